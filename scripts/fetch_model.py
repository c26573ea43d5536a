"""Bring published weights, or a weights file, into the form that all jobs read; write their test accuracy beside them."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    from pathattr.errors import InputError
    from pathattr.model import contract, load, timm, torchvision
    from pathattr.model.accuracy import tested
    from pathattr.model.classifier import Classifier
    from pathattr.store import write_json

    device, told = use_torch(snakemake), given.params
    entry = told["entry"]
    test, (library, _, name) = given.split("test"), entry["architecture"].partition(".")
    channels, size, _ = test[0].shape
    splits = [given.split(role) for role in ("train", "test") if given[role]]
    numbered = int(max(one.index["label"].max() for one in splits)) + 1
    if entry["weights"] == "published":
        state, mean, std, known = timm.published(name, size) if library == "timm" else torchvision.published(name)
    else:
        mean, std = (entry["mean"], entry["std"]) if "mean" in entry else timm.preprocessing(name)
        state, known = load.read_weights(entry["weights"]), told["classes"]
    network, layout = load.build(entry, known or numbered, channels, size), told.get("layout", "channels_last")
    built = entry["weights"] + f", built with the {numbered} classes of {entry['dataset']}, whose `classes` may be more" * (
        not known
    )
    classifier = Classifier(load.fill(network, state, built), mean, std, device, layout=layout)
    classes = contract.check(network, classifier.normalise(test[0].to(device)[None])[0], known, entry["architecture"])
    if numbered > classes or told["alphabetical"] and numbered < classes:
        what = f"{numbered} class folders in alphabetical order" if told["alphabetical"] else f"labels up to {numbered - 1}"
        needed = f"a network of {classes} classes; accepted: `classes` of the data set, which says their numbers"
        raise InputError(f"{entry['dataset']}: {what}, and {needed}")
    images = min(len(test), 5000)
    result = tested(classifier, test.images(0, images), test.index["label"].to_numpy()[:images])
    about = {**classifier.measured, "classes": classes, "channels": channels, "size": size, "mean": list(mean), "std": list(std)}
    about |= result | {"digest": told["digest"]}
    load.save(snakemake.output.weights, network, about)
    write_json(snakemake.output.about, about)
    print(f"accuracy {result['test_accuracy']} on the first {images} test images")
