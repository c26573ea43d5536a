"""Which class of an image is explained, and that of a network at chance none is: what jobs ask before they compute."""

import numpy as np

from .api import targets
from .errors import InputError


def explained(given, config: dict, classifier, about: dict, images, index) -> np.ndarray:
    """The classes (N,) of images that are explained, by the configuration's `target`, as `given` to the job: the label in their
    rows of the index, the class that the classifier predicts, or one for all.

    `about`: what was saved with the weights. Raises `InputError` where these are at chance and `at_chance` says refused.
    """
    if about["at_chance"] and config["at_chance"] == "refused":
        hits, count = round(about["test_accuracy"] * about["test_images"]), about["test_images"]
        found = f"{hits} of {count} test images right, where the most frequent label is the share {about['chance']:.3g} of them"
        raise InputError(
            f"{given.one('weights')}: at chance: {found} (exact binomial test, p = {about['chance_p']:.2g}); accepted: labels "
            "numbered as the network's outputs (`classes` of the data set), the network's own mean and std, or at_chance: allowed"
        )
    which = given.params["target"]
    if which == "label":
        return index["label"].to_numpy()
    ids = index["image_id"].tolist()
    return targets(classifier, images, None if which == "predicted" else which, ids=ids, micro_batch=config["micro_batch"])
