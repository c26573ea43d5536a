"""Divide the training images into neighbourhoods by their logits, each with representatives and densities (LPI)."""

from pathattr.job import job

with job(snakemake) as given:
    import numpy as np

    from pathattr.method.lpi import Neighbourhoods
    from pathattr.store import read_arrays, write_tensors

    told = given.params
    logits = np.concatenate([read_arrays(path)[0]["logits"] for path in given["logits"]])
    found = Neighbourhoods.fit(logits, told["n"], told["m"], told["seed"])
    write_tensors(snakemake.output[0], vars(found), {name: told[name] for name in ("digest", "n", "m", "seed")})
    sizes = np.bincount(found.neighbourhood)
    print(f"{len(sizes)} neighbourhoods of {len(logits)} training images; sizes {sizes.min()} to {sizes.max()}")
