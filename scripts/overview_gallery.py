"""Every method and variant on the same test images."""

from pathattr.job import job

with job(snakemake):
    import numpy as np
    import pandas as pd

    from pathattr.dataset.split import open_split
    from pathattr.plot import maps, style
    from pathattr.store import find_map, write_csv

    style.use()
    params, inputs, path = snakemake.params, snakemake.params.inputs, snakemake.input.test[0]
    test = open_split(params.dataset, "test", path, params.seed, inputs[path])
    rows = range(min(params.images, len(test)))
    ids = [test.index["image_id"].iloc[row] for row in rows]
    masks = [test.mask(row) for row in rows]
    shown, shares = [], []
    for entry, method, variant, released in params.shown:
        label = style.entry_label(method, variant, released)
        found = [find_map(snakemake.input.maps, inputs, entry, name, variant) for name in ids]
        shown.append((label, found))
        for name, mask, values in zip(ids, masks, found, strict=True):
            size = np.abs(values).sum(0)
            inside = np.nan if mask is None or not size.sum() else size[mask].sum() / size.sum()
            row = {"image_id": name, "method": entry, "variant": variant, "label": label, "sum": values.sum()}
            shares.append(row | {"largest": np.abs(values).max(), "share_of_attribution_in_mask": inside})
    figure = maps.overview([test.picture(row) for row in rows], shown, masks)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    write_csv(snakemake.output.table, pd.DataFrame(shares))
