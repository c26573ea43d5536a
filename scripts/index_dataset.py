"""Freeze the order of the images of a split that lies outside: ids and labels."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.dataset.split import check_index, open_source
    from pathattr.store import write_table

    entry, split = given.params["entry"], snakemake.wildcards.split
    index = open_source(entry, split, given.params["seed"]).scan()
    write_table(snakemake.output[0], check_index(index, f"{entry['dataset']} {split}"), {"digest": given.params["digest"]})
    print(f"{split}: {len(index)} images, {index['label'].nunique()} classes")
