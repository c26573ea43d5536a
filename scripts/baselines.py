"""Baselines of one shard of the test images, for methods that compute their own (credible, BIG)."""

from pathattr.job import job, use_torch

with job(snakemake):
    from pathattr.api import baselines
    from pathattr.dataset.split import open_split
    from pathattr.model.load import load
    from pathattr.shards import shard_range
    from pathattr.store import versions, write_arrays

    device = use_torch(snakemake)
    params, inputs = snakemake.params, snakemake.params.inputs
    settings = dict(params.settings)
    way = settings.pop("baseline")
    path, weights = snakemake.input.images[0], snakemake.input.weights
    classifier, _ = load(weights, params.entry, device, inputs[weights])
    test = open_split(params.dataset, "test", path, params.seed, inputs[path])
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    index = test.index.iloc[start:stop]
    pixels, table = baselines(
        way,
        classifier,
        test.images(start, stop, snakemake.threads),
        index["label"].to_numpy(),
        ids=index["image_id"],
        seed=params.seed,
        micro_batch=snakemake.config["micro_batch"],
        progress=True,
        **settings,
    )
    columns = {name: table[name].to_numpy() for name in table} | {"baseline": pixels.flatten(0, 1).numpy()}
    metadata = {"digest": params.digest, "baseline": way, "parameters": settings, "model": inputs[weights], "seed": params.seed}
    write_arrays(snakemake.output[0], columns, metadata | {"device": device, "versions": versions("torch", "numpy")})
    missed = table[~table["met"]]
    print(f"{way}: {len(table)} baselines of {len(index)} images, {table['gradients'].mean():.1f} gradients each")
    if len(missed):
        names = ", ".join(missed["image_id"].unique()[:8])
        print(f"warning: {len(missed)} of {len(table)} did not reach their goal (column met), the first of images {names}")
