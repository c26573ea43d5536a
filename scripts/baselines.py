"""Baselines of one shard of the test images, for methods that compute their own (credible, BIG)."""

from pathattr.job import job, use_torch

with job(snakemake, may_not_apply=True) as given:
    from pathattr.api import baselined
    from pathattr.model.load import opened
    from pathattr.shards import shard_range
    from pathattr.store import versions, write_baselines
    from pathattr.target import explained

    device, told = use_torch(snakemake), given.params
    settings = dict(told["settings"])
    way = settings.pop("baseline")
    classifier, about = opened(given.one("weights"), device)
    test = given.split("images")
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    index = test.index.iloc[start:stop]
    images = [test.ahead(start, stop, snakemake.threads) for _ in range(2)]
    metadata = {"digest": told["digest"], "baseline": way, "parameters": settings, "model": given.one("weights").digest}
    metadata |= {"seed": told["seed"], "device": device, "versions": versions("torch", "numpy")}
    done = baselined(
        way,
        classifier,
        images[0],
        explained(given, snakemake.config, classifier, about, images[1], index),
        ids=index["image_id"],
        seed=told["seed"],
        micro_batch=snakemake.config["micro_batch"],
        progress=True,
        **settings,
    )
    table = write_baselines(snakemake.output[0], done, metadata)
    missed = table[~table["met"]]
    print(f"{way}: {len(table)} baselines of {len(index)} images, {table['gradients'].mean():.1f} gradients each")
    if len(missed):
        names = ", ".join(missed["image_id"].unique()[:8])
        print(f"warning: {len(missed)} of {len(table)} did not reach their goal (column met), the first of images {names}")
