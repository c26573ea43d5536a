"""LPI, figure 2: the training logits and their neighbourhoods, and the references of one of them."""

from pathattr.job import job

with job(snakemake):
    import numpy as np
    import pandas as pd
    from umap import UMAP

    from pathattr.dataset.split import open_split
    from pathattr.method.lpi import Neighbourhoods
    from pathattr.plot import maps, style
    from pathattr.rng import generator
    from pathattr.store import read_arrays, read_tensors, write_csv

    style.use()
    params, inputs = snakemake.params, snakemake.params.inputs
    path, hoods_path = snakemake.input.train[0], snakemake.input.neighbourhoods
    train = open_split(params.dataset, "train", path, params.seed, inputs[path])
    logits = np.concatenate([read_arrays(path, inputs[path])[0]["logits"] for path in snakemake.input.logits])
    hoods = Neighbourhoods(**read_tensors(hoods_path, inputs[hoods_path])[0])
    shown = np.arange(len(logits))
    if len(shown) > params.images:
        shown = np.sort(generator(params.seed, "umap").choice(len(logits), params.images, replace=False))
    neighbours = min(15, len(shown) - 1)
    points = UMAP(n_neighbors=neighbours, random_state=params.seed, n_jobs=1).fit_transform(logits[shown])

    chosen = int(np.bincount(hoods.neighbourhood).argmax())
    local, density = hoods.references(chosen)
    pictures = np.stack([train.picture(row) for row in local])
    figure = maps.distribution(points, hoods.neighbourhood[shown], pictures, density, chosen)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    table = train.index.iloc[shown][["image_id", "label"]].reset_index(drop=True)
    table["neighbourhood"] = hoods.neighbourhood[shown] + 1
    table["umap_1"], table["umap_2"] = points.T
    share = {int(row): value for row, value in zip(hoods.representatives.flat, hoods.density.flat, strict=True) if row >= 0}
    table["density_as_reference"] = pd.Series(shown).map(share)
    write_csv(snakemake.output.table, table)
