"""Attribution maps of one shard of the test images by one method."""

from pathattr.job import job, use_torch

with job(snakemake, may_not_apply=True) as given:
    import torch

    import pathattr  # a method's own module is loaded by name, so that a digest covers the one in use and no other
    from pathattr.api import attributed, rank_agreement
    from pathattr.dataset.split import background
    from pathattr.model.load import opened
    from pathattr.registry import get
    from pathattr.shards import shard_range
    from pathattr.store import read_arrays, read_tensors, versions, write_maps_done
    from pathattr.target import explained

    device, told = use_torch(snakemake), given.params
    settings = dict(told["settings"])
    method = settings.pop("method")
    classifier, about = opened(given.one("weights"), device)
    test, needed = given.split("images"), {}
    besides = {}  # count -> position -> its value
    start, stop = test.check_range(*shard_range(snakemake.wildcards.shard))
    index = test.index.iloc[start:stop]
    if given["background"]:
        needed["background"] = given.split("background")
    if given["neighbourhoods"]:
        needed["neighbourhoods"] = pathattr.Neighbourhoods(**read_tensors(given.one("neighbourhoods"))[0])
    elif told["background_images"]:
        needed["background"] = background(needed["background"], told["background_images"], told["seed"])
    if given["baselines"]:
        own, _ = read_arrays(given.one("baselines"))
        needed["baselines"] = torch.tensor(own["baseline"]).unflatten(0, (len(index), -1))
        met, spent = (own[name].reshape(len(index), -1) for name in ("met", "gradients"))
        besides |= {"met": dict(enumerate(met.mean(1))), "baseline_gradients": dict(enumerate(spent.sum(1)))}
    needed |= {name: value for name, value in settings.items() if name not in get("method", method).facts["fitted"]}
    needed |= {"seed": told["seed"], "micro_batch": snakemake.config["micro_batch"]}
    target = explained(given, snakemake.config, classifier, about, test.ahead(start, stop, snakemake.threads), index)
    index, ids = index.assign(target=target), index["image_id"].to_numpy()
    metadata = {"digest": told["digest"], "method": method, "parameters": settings, "model": given.one("weights").digest}
    metadata |= {"seed": told["seed"], "device": device, "precision": classifier.precision, "versions": versions("torch", "numpy")}
    gradients = []
    if classifier.precision != "float32" and start == 0:
        exact, first = opened(given.one("weights"), device, precision="float32")[0], min(8, stop)
        images = test.images(start, first, snakemake.threads)
        found = rank_agreement(method, (classifier, exact), images, target[:first], ids=ids[:first], **needed)
        besides["rank_agreement"], metadata["rank_agreement"] = dict(enumerate(found)), found.mean()
        print(f"{method}: rank agreement of {classifier.precision} with float32 {found.mean():.3f}, {first} images")
    few = {"threads": snakemake.threads, "progress": True}

    def done():
        images = test.ahead(start, stop, snakemake.threads)
        for number, maps, counts in attributed(method, classifier, images, target, ids=ids, **few, **needed):
            gradients.append(counts["gradients"])
            yield number, maps, counts | {name: values.get(number, float("nan")) for name, values in besides.items()}

    write_maps_done(snakemake.output[0], index, done(), told["dtype"], metadata)
    print(f"{method}: {stop - start} maps, {sum(gradients) / len(gradients):.1f} gradients an image")
