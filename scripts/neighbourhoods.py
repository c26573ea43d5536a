"""Divide the training images into neighbourhoods by their logits, each with representatives and densities (LPI)."""

from pathattr.job import job

with job(snakemake) as given:
    import numpy as np

    from pathattr.method.lpi import Neighbourhoods
    from pathattr.store import read_arrays, write_tensors

    told = given.params
    parts = given["logits"]
    found = Neighbourhoods.fit(lambda: (read_arrays(part)[0]["logits"] for part in parts), told["n"], told["m"], told["seed"])
    write_tensors(snakemake.output[0], vars(found), {name: told[name] for name in ("digest", "n", "m", "seed")})
    sizes = np.bincount(found.neighbourhood)
    print(f"{len(sizes)} neighbourhoods of {len(found.neighbourhood)} training images; sizes {sizes.min()} to {sizes.max()}")
