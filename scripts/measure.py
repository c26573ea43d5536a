"""Per-image scores of one shard of maps by one metric."""

from pathattr.job import job, use_torch

with job(snakemake):
    import pandas as pd
    import torch

    from pathattr.api import measure
    from pathattr.dataset.split import open_split
    from pathattr.model.load import load
    from pathattr.shards import shard_range
    from pathattr.store import read_maps, write_table

    device = use_torch(snakemake)
    params, inputs = snakemake.params, snakemake.params.inputs
    settings = dict(params.settings)
    metric = settings.pop("metric")
    path, weights = snakemake.input.images[0], snakemake.input.weights
    classifier, _ = load(weights, params.entry, device, inputs[weights])
    test = open_split(params.dataset, "test", path, params.seed, inputs[path])
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    ids, targets, gradients, maps = read_maps(snakemake.input.maps, inputs[snakemake.input.maps])
    images, tables = test.images(start, stop, snakemake.threads), []
    for variant, values in maps.items():
        table = measure(
            metric,
            classifier,
            images,
            targets,
            torch.from_numpy(values),
            ids=ids,
            seed=params.seed,
            micro_batch=snakemake.config["micro_batch"],
            progress=True,
            **settings,
        )
        tables.append(table.assign(variant=variant, gradients=table["image_id"].map(gradients)))
    write_table(snakemake.output[0], pd.concat(tables, ignore_index=True), {"digest": params.digest, "settings": params.settings})
    print(f"{metric}: {len(ids)} images, {len(maps)} variants")
