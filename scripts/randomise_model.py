"""A model whose top blocks get new weights (cascading parameter randomisation)."""

from pathattr.job import job, use_torch

with job(snakemake) as given:
    from pathattr.model import load
    from pathattr.model.accuracy import tested
    from pathattr.model.cascade import randomised
    from pathattr.model.classifier import Classifier
    from pathattr.store import read_tensors, write_json

    device, told = use_torch(snakemake), given.params
    base, entry = given.one("base"), told["entry"]
    arrays, about = read_tensors(base, base.digest)
    network = load.build(entry, about["classes"], about["channels"], about["size"])
    load.fill(network, load.tensors(arrays), str(base))
    blocks = randomised(network, entry["randomised"], told["seed"], entry.get("matched", False))
    classifier, test = Classifier(network, about["mean"], about["std"], device), given.split("test")
    count = about["test_images"]
    about |= tested(classifier, test.images(0, count), test.index["label"].to_numpy()[:count]) | {"at_chance": False}  # on purpose
    about |= {"stage": blocks[-1], "randomised": blocks, "digest": told["digest"]}
    load.save(snakemake.output.weights, network, about)
    write_json(snakemake.output.about, about)
    print(f"{', '.join(blocks)} randomised; test accuracy {about['test_accuracy']}")
