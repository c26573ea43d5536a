"""LPI, figure 5: a gallery of maps, the first test images."""

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
    labels = [str(test.index["label"].iloc[row]) for row in rows]
    masks = [test.mask(row) for row in rows]
    shown = {method: [find_map(snakemake.input.maps, inputs, method, name) for name in ids] for method in params.methods}
    figure = maps.gallery([test.picture(row) for row in rows], shown, masks, [f"class {label}" for label in labels])
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    shares = [
        {
            "image_id": name,
            "label": labels[row],
            "method": method,
            "share_of_attribution_in_mask": np.nan if masks[row] is None else share[masks[row]].sum() / share.sum(),
        }
        for row, name in enumerate(ids)
        for method, share in ((method, np.abs(values[row]).sum(0)) for method, values in shown.items())
    ]
    write_csv(snakemake.output.table, pd.DataFrame(shares))
