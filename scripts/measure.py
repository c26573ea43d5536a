"""Per-image scores of one shard of maps by one metric."""

from pathattr.job import job, use_torch

BLOCK = 256  # images in memory at a time
TOOK = ("gradients", "forwards", "baseline_gradients", "met", "rank_agreement")  # counts that go with the scores

with job(snakemake, may_not_apply=True) as given:
    import pandas as pd
    import torch

    from pathattr.api import measure
    from pathattr.model.load import opened
    from pathattr.ranks import flat
    from pathattr.registry import get
    from pathattr.shards import shard_range
    from pathattr.store import read_arrays, read_maps, write_table

    device, told = use_torch(snakemake), given.params
    settings = dict(told["settings"])
    metric = settings.pop("metric")
    facts = get("metric", metric).facts
    classifier, _ = opened(given.one("weights"), device)
    test = given.split("images")
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    regions = {"mask": ("masks", test.masks), "box": ("boxes", test.boxes)}
    tables = {}
    for low in range(start, stop, BLOCK):
        high = min(stop, low + BLOCK)

        def rows(role, low=low, high=high):  # a file may hold more
            first = given.one(role).about["start"]
            return slice(low - first, high - first)

        ids, targets, counts, maps = read_maps(given.one("maps"), rows=rows("maps"))
        needed = {name: of(low, high) for need, (name, of) in regions.items() if need in facts["needs"]}
        if given["probe"]:
            probed, _ = read_arrays(given.one("probe"), rows=rows("probe"))
            needed["probed"] = {key: values for key, values in probed.items() if key != "image_id"}
        if settings.get(facts["unsigned"], facts["unsigned"] is True) and "vanilla" in maps:
            maps = {name: values for name, values in maps.items() if not name.startswith("absolute")}  # would score as vanilla does
        images = test.images(low, high, snakemake.threads)
        for variant, values in maps.items():
            options = {"ids": ids, "seed": told["seed"], "micro_batch": snakemake.config["micro_batch"], "progress": True}
            table = measure(metric, classifier, images, targets, torch.from_numpy(values), **options, **needed, **settings)
            took = {name: table["image_id"].map(counts[name]) for name in TOOK if name in counts}
            took["flat"] = table["image_id"].map(dict(zip(ids, flat(values), strict=True)))
            valid = table["image_id"].map(counts[variant]) if variant in counts else float("nan")
            tables.setdefault(variant, []).append(table.assign(variant=variant, **took, valid=valid))
    table = pd.concat(sum(tables.values(), []), ignore_index=True)
    write_table(snakemake.output[0], table, {"digest": told["digest"], "settings": told["settings"]})
    print(f"{metric}: {stop - start} images, {len(tables)} variants")
