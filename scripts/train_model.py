"""Train a model from scratch; write its weights, and its test accuracy beside them."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    import numpy as np
    import torch

    from pathattr.errors import InputError
    from pathattr.model import contract, load, train
    from pathattr.model.accuracy import tested
    from pathattr.model.classifier import Classifier
    from pathattr.registry import get
    from pathattr.store import write_json
    from pathattr.training.data import Data

    device, told = use_torch(snakemake), given.params
    torch.set_num_threads(told["threads"])  # whatever the cores of this machine
    torch.manual_seed(told["seed"])
    splits = {name: given.split(name) for name in ("train", "test")}
    pixels, test_pixels = (np.stack([one.pixels(row) for row in range(len(one))]) for one in splits.values())
    labels, test_labels = (one.index["label"].to_numpy() for one in splits.values())
    _, channels, size, _ = pixels.shape
    classes = told["classes"] or int(max(labels.max(), test_labels.max())) + 1
    if len(set(labels.tolist())) < 2:
        raise InputError(
            f"the training images of {told['entry']['dataset']} are all of class {labels[0]}; accepted: two classes or more"
        )
    mean = (pixels.mean((0, 2, 3), dtype=np.float64) / 255).round(4).tolist()
    std = (pixels.std((0, 2, 3), dtype=np.float64) / 255).round(4).tolist()
    network, first = load.build(told["entry"], classes, channels, size), train.normalised(pixels[:1], mean, std)[0]
    contract.check(network, first, classes, told["entry"]["architecture"])
    if given["start"]:
        begun = load.begin(network, *given["start"])
        print(f"begins with {begun} tensors of {given['start'][0]}")
    settings = dict(told["entry"]["training"])
    way = settings.pop("training", "classification")
    data = Data(pixels, labels, test_pixels, test_labels, mean, std, told["seed"], device)
    learnt = get("training", way).function(network, data, **settings)
    load.check_weights(network, "training")
    contract.check(network, first.to(device), classes, told["entry"]["architecture"])  # as it is now: what it began with may hide
    layout, test = told.get("layout", "channels_last"), splits["test"]
    classifier = Classifier(network, mean, std, device, classes=classes, layout=layout)
    result = tested(classifier, test.images(0, len(test)), test_labels)
    result |= {"at_chance": False} if settings.get("permuted") else {}  # on purpose
    about = {**learnt, **classifier.measured, "classes": classes, "channels": channels, "size": size, "mean": mean, "std": std}
    about |= result | {"digest": told["digest"]}
    load.save(snakemake.output.weights, network, about)
    write_json(snakemake.output.about, about)
    print(f"test accuracy {about['test_accuracy']:.4f} on {len(test)} images")
