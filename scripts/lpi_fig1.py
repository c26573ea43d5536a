"""LPI, figure 1: IG, EG and LPI on the image with the darkest object, and the references that each used."""

from pathattr.job import job

with job(snakemake):
    import numpy as np
    import pandas as pd

    from pathattr.dataset.split import background, darkest, open_split
    from pathattr.integrate import draws
    from pathattr.method.lpi import Neighbourhoods
    from pathattr.method.sampled import choose
    from pathattr.model.load import load
    from pathattr.plot import maps, style
    from pathattr.store import find_map, read_tensors, write_csv

    style.use()
    params, inputs = snakemake.params, snakemake.params.inputs
    test, train = (
        open_split(params.dataset, split, snakemake.input[split][0], params.seed, inputs[snakemake.input[split][0]])
        for split in ("test", "train")
    )
    classifier, _ = load(snakemake.input.weights, params.entry, "cpu", inputs[snakemake.input.weights])
    hoods = Neighbourhoods(**read_tensors(snakemake.input.neighbourhoods, inputs[snakemake.input.neighbourhoods])[0])
    position = darkest(test, params.images)
    image, mask, name = test.picture(position), test.mask(position), test.index["image_id"].iloc[position]

    pool = background(train, params.background_images or len(train), params.seed)
    drawn = choose(draws(params.seed, params.eg["method"], name), len(pool), params.eg["references"])
    number = hoods.locate(classifier.logits(test[position][None])[0])
    local, density = hoods.references(number)
    local = local[np.argsort(-density, kind="stable")]
    pictures = {  # method: references as one picture or several, and what they are
        "ig": (np.zeros_like(image), "a black image"),
        "eg": (np.stack([pool.picture(row) for row in drawn]), f"{len(drawn)} random\ntraining images"),
        "lpi": (np.stack([train.picture(row) for row in local]), f"{len(local)} representatives\nof its neighbourhood"),
    }
    columns, rows = [], []
    for method in params.methods:
        picture, caption = pictures[method]
        sheet = maps.mosaic(picture, 5) if picture.ndim == 4 else picture
        attribution = find_map(snakemake.input.maps, inputs, method, name)
        columns.append((style.label(method), attribution, sheet, f"references: {caption}"))
        inside = np.abs(attribution).sum(0)[mask].sum() / np.abs(attribution).sum() if mask is not None else np.nan
        rows.append(
            {"image_id": name, "method": method, "references": caption.replace("\n", " "), "share_of_attribution_in_mask": inside}
        )
    style.save(maps.references(image, mask, columns), snakemake.output.pdf, snakemake.output.png)
    write_csv(snakemake.output.table, pd.DataFrame(rows))
