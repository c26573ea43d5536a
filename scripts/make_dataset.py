"""Build a split of a dataset from embedded data: index, pixels and masks."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.dataset.split import check_index, open_source
    from pathattr.store import write_arrays, write_table

    entry, split, about = given.params["entry"], given.params["split"], {"digest": given.params["digest"]}
    made = open_source(entry, split, given.params["seed"])
    write_arrays(snakemake.output.pixels, {"pixels": made.pixels, "masks": made.masks.astype("uint8")}, about)
    write_table(snakemake.output.index, check_index(made.index, f"{entry['dataset']} {split}"), about)
    print(f"{split}: {len(made.index)} images of {made.pixels.shape[1:]}")
