"""What a paper's results hang on: its models and how well each knows its classes, and what could not be had."""

import pandas as pd

from .store import read_tensors

MODELS = ["model", "network", "training", "stands_for", "dataset", "classes", "test_accuracy", "test_images", "chance", "chance_p"]
MODELS_SAY = (
    "Models. *test_accuracy*: share of the first *test_images* test images whose label is the most probable class; *chance*: what "
    "the most frequent label at every image reaches; *chance_p*: the probability of as many hits by chance, exact binomial test."
)
MISSING = ["section", "name", "missing", "reason"]
MISSING_SAY = "Left out. An artefact or claim as a whole, or what is missing from it, and why."


def models(weights) -> pd.DataFrame:
    """Of weights `File`s, which know whose they are, a row each: the columns `MODELS`."""
    rows = [{**read_tensors(file, file.digest)[1], **{key: file.about[key] for key in MODELS[:5]}} for file in weights]
    return pd.DataFrame(rows, columns=MODELS)


def left_out(rows) -> pd.DataFrame:
    """What is left out, a row each: the columns `MISSING`."""
    return pd.DataFrame(rows, columns=MISSING)
