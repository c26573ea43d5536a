"""Divide the training images into neighbourhoods by their logits, each with representatives and densities (LPI)."""

from pathattr.job import job

with job(snakemake):
    import numpy as np

    from pathattr.method.lpi import Neighbourhoods
    from pathattr.store import read_arrays, write_tensors

    params, settings = snakemake.params, snakemake.params.settings
    logits = np.concatenate([read_arrays(path, params.inputs[path])[0]["logits"] for path in snakemake.input])
    found = Neighbourhoods.fit(logits, settings["neighbourhoods"], settings["references"], params.seed)
    write_tensors(snakemake.output[0], vars(found), {"digest": params.digest, "settings": settings, "seed": params.seed})
    sizes = np.bincount(found.neighbourhood)
    print(f"{len(sizes)} neighbourhoods of {len(logits)} training images; sizes {sizes.min()} to {sizes.max()}")
