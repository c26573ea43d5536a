"""Attribution maps of one shard of the test images by one method."""

from pathattr.job import job, use_torch

with job(snakemake):
    import torch

    import pathattr  # a method's own module is loaded by name, so that a digest covers the one in use and no other
    from pathattr.api import attribute_counted
    from pathattr.dataset.split import background, open_split
    from pathattr.model.load import load
    from pathattr.registry import get
    from pathattr.shards import shard_range
    from pathattr.store import read_arrays, read_tensors, versions, write_maps

    device = use_torch(snakemake)
    params, inputs = snakemake.params, snakemake.params.inputs
    settings = dict(params.settings)
    method, variants = settings.pop("method"), settings.pop("variants")
    path, weights = snakemake.input.images[0], snakemake.input.weights[0]
    classifier, about = load(weights, params.entry, device, inputs[weights])
    test = open_split(params.dataset, "test", path, params.seed, inputs[path])
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    given = {}
    if snakemake.input.background:
        path = snakemake.input.background[0]
        given["background"] = open_split(params.dataset, "train", path, params.seed, inputs[path])
    if snakemake.input.neighbourhoods:  # their representatives are positions in the whole training split
        path = snakemake.input.neighbourhoods[0]
        given["neighbourhoods"] = pathattr.Neighbourhoods(**read_tensors(path, inputs[path])[0])
    elif params.background_images:
        given["background"] = background(given["background"], params.background_images, params.seed)
    index = test.index.iloc[start:stop]
    if snakemake.input.baselines:
        path = snakemake.input.baselines[0]
        pixels = read_arrays(path, inputs[path])[0]["baseline"]
        given["baselines"] = torch.tensor(pixels).unflatten(0, (len(index), -1))
    maps, gradients = attribute_counted(
        method,
        classifier,
        test.images(start, stop, snakemake.threads),
        index["label"].to_numpy(),
        ids=index["image_id"],
        seed=params.seed,
        variants=variants,
        micro_batch=snakemake.config["micro_batch"],
        progress=True,
        **given,
        **{name: value for name, value in settings.items() if name not in get("method", method).facts["fitted"]},
    )
    metadata = {"digest": params.digest, "method": method, "parameters": settings, "model": inputs[weights]}
    metadata |= {"seed": params.seed, "device": device, "versions": versions("torch", "numpy")}
    write_maps(snakemake.output[0], index, maps, gradients, params.dtype, metadata)
    print(f"{method}: {stop - start} maps, {gradients.mean():.1f} gradients an image")
