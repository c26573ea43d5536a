"""What a metric asks of the network that does not depend on a map: on one shard of the test images, once a model."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    from pathattr.api import probe
    from pathattr.model.load import opened
    from pathattr.shards import shard_range
    from pathattr.store import versions, write_arrays
    from pathattr.target import explained

    device, told = use_torch(snakemake), given.params
    settings = dict(told["settings"])
    name = settings.pop("probe")
    classifier, about = opened(given.one("weights"), device)
    test = given.split("images")
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    index, images = test.index.iloc[start:stop], test.images(start, stop, snakemake.threads)
    found = probe(
        name,
        classifier,
        images,
        explained(given, snakemake.config, classifier, about, images, index),
        ids=index["image_id"],
        seed=told["seed"],
        micro_batch=snakemake.config["micro_batch"],
        progress=True,
        **settings,
    )
    metadata = {"digest": told["digest"], "probe": name, "parameters": settings, "model": given.one("weights").digest}
    metadata |= {"seed": told["seed"], "device": device, "versions": versions("torch", "numpy")}
    write_arrays(snakemake.output[0], {"image_id": index["image_id"].tolist(), **found}, metadata)
    print(f"{name}: {stop - start} images")
