"""Logits of one shard of the training images: the model's picture of its training distribution."""

from pathattr.job import job, use_torch

with job(snakemake):
    from pathattr.dataset.split import open_split
    from pathattr.model.load import load
    from pathattr.store import write_arrays

    device = use_torch(snakemake)
    params, path = snakemake.params, snakemake.input.images[0]
    classifier, _ = load(snakemake.input.weights, params.entry, device, params.inputs[snakemake.input.weights])
    train = open_split(params.dataset, "train", path, params.seed, params.inputs[path])
    part, parts = map(int, snakemake.wildcards.part.split("-of-"))
    start, stop = (len(train) * number // parts for number in (part, part + 1))
    logits = classifier.logits((train[row] for row in range(start, stop)), snakemake.config["micro_batch"])
    columns = {"image_id": train.index["image_id"].iloc[start:stop].tolist(), "logits": logits.numpy()}
    write_arrays(snakemake.output[0], columns, {"digest": params.digest, "model": params.inputs[snakemake.input.weights]})
    print(f"logits of training images {start} to {stop}")
