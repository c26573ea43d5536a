"""Per-image scores of one shard of maps by one metric."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    import pandas as pd
    import torch

    from pathattr.api import measure
    from pathattr.model.load import opened
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
    rows = slice(start - given.one("maps").about["start"], stop - given.one("maps").about["start"])  # a maps file may hold more
    ids, targets, counts, maps = read_maps(given.one("maps"))
    ids, targets = ids[rows], targets[rows]
    regions = {"mask": ("masks", test.masks), "box": ("boxes", test.boxes)}
    needed = {name: of(start, stop) for need, (name, of) in regions.items() if need in facts["needs"]}
    if given["probe"]:
        first = start - given.one("probe").about["start"]
        probed, _ = read_arrays(given.one("probe"))
        needed["probed"] = {key: values[first : first + stop - start] for key, values in probed.items() if key != "image_id"}
    if settings.get(facts["unsigned"], facts["unsigned"] is True) and "vanilla" in maps:
        maps = {name: values for name, values in maps.items() if not name.startswith("absolute")}  # would score as vanilla does
    images, tables = test.images(start, stop, snakemake.threads), []
    for variant, values in maps.items():
        table = measure(
            metric,
            classifier,
            images,
            targets,
            torch.from_numpy(values[rows]),
            ids=ids,
            seed=told["seed"],
            micro_batch=snakemake.config["micro_batch"],
            progress=True,
            **needed,
            **settings,
        )
        took = {name: table["image_id"].map(counts[name]) for name in ("gradients", "rank_agreement") if name in counts}
        table = table.assign(variant=variant, **took)
        tables.append(table.assign(valid=table["image_id"].map(counts[variant]) if variant in counts else float("nan")))
    write_table(snakemake.output[0], pd.concat(tables, ignore_index=True), {"digest": told["digest"], "settings": told["settings"]})
    print(f"{metric}: {len(ids)} images, {len(maps)} variants")
