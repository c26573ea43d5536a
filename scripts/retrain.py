"""Per-image scores by a metric that trains networks anew, on images that maps have changed."""

from pathattr.job import job, use_torch

with job(snakemake, may_not_apply=True) as given:
    import numpy as np
    import pandas as pd
    import torch

    from pathattr.finite import check_finite
    from pathattr.model.load import opened
    from pathattr.ranks import flat
    from pathattr.registry import get
    from pathattr.shards import shard_range
    from pathattr.store import read_maps, write_table
    from pathattr.training.data import Data

    device, told = use_torch(snakemake), given.params
    settings = dict(told["settings"])
    metric = settings.pop("metric")
    classifier, about = opened(given.one("weights"), device)
    splits = {"train": given.split("train"), "test": given.split("test")}
    counts = {"train": settings["train"], "test": shard_range(snakemake.wildcards.shard)[1]}
    seen = {name: [read_maps(file) for file in given[role]] for name, role in (("train", "train_maps"), ("test", "maps"))}

    def of(name):
        pixels = np.stack([splits[name].pixels(row) for row in range(splits[name].check_range(0, counts[name])[1])])
        return pixels, splits[name].index["label"].to_numpy()[: counts[name]]

    data = Data(*of("train"), *of("test"), about["mean"], about["std"], told["seed"], device)
    ids, tables = splits["test"].index["image_id"].to_numpy()[: counts["test"]], []
    took = pd.concat([part[2] for part in seen["test"]]).loc[ids]
    took = {name: took[name].to_numpy() for name in ("gradients", "forwards", "baseline_gradients", "met") if name in took}
    for variant in seen["test"][0][3]:
        maps = {name: torch.from_numpy(np.concatenate([part[3][variant] for part in parts])) for name, parts in seen.items()}
        maps = {name: values[: counts[name]] for name, values in maps.items()}
        took["flat"] = flat(maps["test"].numpy())
        for score, (x, values) in get("metric", metric).function(classifier.module, data, maps, **settings).items():
            check_finite(values, f"{metric}: {score}")
            rows = {"image_id": np.repeat(ids, len(x)), "metric": score, "x": np.tile(x, len(ids)), "value": values.reshape(-1)}
            more = {name: np.repeat(count, len(x)) for name, count in took.items()}
            tables.append(pd.DataFrame({**rows, "variant": variant, **more, "valid": np.nan}))
        print(f"{metric}: {variant}")
    table = pd.concat(tables, ignore_index=True)
    write_table(snakemake.output[0], table, {"digest": told["digest"], "settings": told["settings"]})
