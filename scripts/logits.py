"""Logits of one part of a split: of training images, the model's picture of its training distribution; of test images, its
predictions."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    from pathattr.model.load import opened
    from pathattr.store import write_arrays

    device, told = use_torch(snakemake), given.params
    classifier, _ = opened(given.one("weights"), device)
    split = given.split("images")
    part, parts = map(int, told["part"].split("-of-"))
    start, stop = (len(split) * number // parts for number in (part, part + 1))
    index = split.index.iloc[start:stop]
    images = (split[row] for row in range(start, stop))
    logits = classifier.logits(images, snakemake.config["micro_batch"], index["image_id"].tolist())
    columns = {"image_id": index["image_id"].tolist(), "label": index["label"].to_numpy(), "logits": logits.numpy()}
    write_arrays(snakemake.output[0], columns, {"digest": told["digest"], "model": given.one("weights").digest})
    print(f"logits of images {start} to {stop}")
