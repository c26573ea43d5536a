"""Bring published weights, or a weights file, into the form that all jobs read; write their test accuracy beside them."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    from pathattr.errors import InputError
    from pathattr.model import contract, load, timm, torchvision, train
    from pathattr.model.classifier import Classifier
    from pathattr.store import write_json

    device, told = use_torch(snakemake), given.params
    entry = told["entry"]
    test, (library, _, name) = given.split("test"), entry["architecture"].partition(".")
    channels, size, _ = test[0].shape
    if entry["weights"] == "published":
        state, mean, std, classes = timm.published(name, size) if library == "timm" else torchvision.published(name)
    else:
        mean, std = (entry["mean"], entry["std"]) if "mean" in entry else timm.preprocessing(name)
        state = load.read_weights(entry["weights"])
        classes = entry.get("classes", int(given.split("train").index["label"].max()) + 1)
    network, layout = load.build(entry, classes, channels, size), told.get("layout", "channels_last")
    classifier = Classifier(load.fill(network, state, entry["weights"]), mean, std, device, classes=classes, layout=layout)
    contract.check(network, classifier.normalise(test[0].to(device)[None])[0], classes, entry["architecture"])
    images, labels = min(len(test), 5000), test.index["label"].to_numpy()
    if labels.max() >= classes:
        raise InputError(f"{entry['dataset']}: test labels reach {labels.max()}; accepted: below {classes}, the network's classes")
    accuracy = train.accuracy(classifier, test.images(0, images), labels[:images])
    about = {**classifier.measured, "classes": classes, "channels": channels, "size": size, "mean": list(mean), "std": list(std)}
    about |= {"test_accuracy": accuracy, "test_images": images, "digest": told["digest"]}
    load.save(snakemake.output.weights, network, about)
    write_json(snakemake.output.about, about)
    print(f"accuracy {accuracy:.4f} on the first {images} test images")
