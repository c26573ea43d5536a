"""Freeze the order of the images of a split that lies outside: ids and labels. Test images come balanced over the classes."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.dataset.split import balanced, check_index, open_source
    from pathattr.store import write_table

    entry, split, seed = given.params["entry"], snakemake.wildcards.split, given.params["seed"]
    index = check_index(open_source(entry, split, seed).scan(), f"{entry['dataset']} {split}")
    index = balanced(index, seed) if split == "test" else index
    write_table(snakemake.output[0], index, {"digest": given.params["digest"]})
    print(f"{split}: {len(index)} images, {index['label'].nunique()} classes")
