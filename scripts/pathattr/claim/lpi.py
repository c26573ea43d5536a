"""What only the LPI paper claims (Yang et al., AAAI 2023)."""

import time

import numpy as np

from ..judging import AGAINST, FOR, OPEN, Judged
from ..registry import Images, Method, Models, claim

ROUNDS = 5


@claim(
    "locating_share",
    needs=("weights", "neighbourhoods", "test", "train"),
    takes={"'neighbourhoods' in needs": "methods with neighbourhoods"},
)
def locating_share(found, *, models: Models, method: Method, images: Images = 8, limit: float = 0.01):
    """Locating an image's neighbourhood takes less than `limit` of the time of its attribution, of which it is a part: wall time
    on one thread, the median of 5 rounds over the first `images` test images; every round shall lie below.

    Located by the image's logits, which LPI obtains first; the pass that gives them is told besides.
    """
    import torch

    from ..api import attribute

    torch.set_num_threads(1)
    cells, notes = [], []
    for key in models:
        classifier, hoods, test = found.classifier(key), found.neighbourhoods(key, method), found.test(key)
        x, target = test.images(0, images), found.targets(key, images)
        options = {
            "background": found.train(key),
            "neighbourhoods": hoods,
            "ids": test.index["image_id"][:images],
            "seed": found.seed,
        }
        options |= {name: found.setting(key, method, name) for name in ("steps", "objective")}
        logits, shares, passes = classifier.logits(x), [], []
        for _ in range(ROUNDS):
            whole = _seconds(attribute, found.setting(key, method, "method"), classifier, x, target, **options)
            shares.append(_seconds(_locate, hoods, logits) / whole)
            passes.append(_seconds(classifier.logits, x) / whole)
        low, high = min(shares), max(shares)
        where = FOR if high < limit else AGAINST if low > limit else OPEN
        name = found.models[key].stands_for or key
        cells.append({"label": name, "estimate": np.median(shares), "low": low, "high": high, "n": images, "side": where})
        cells[-1] |= {"border": limit, "lower": True}
        notes.append(f"{name}: the forward pass that gives the logits takes {100 * np.median(passes):.1f} %")
    return Judged(
        f"share of the time of an attribution, below {limit:g}; lowest and highest of {ROUNDS} rounds", cells, notes=notes
    )


def _locate(hoods, logits):
    return [hoods.references(hoods.locate(one)) for one in logits]


def _seconds(work, *arguments, **options) -> float:
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start
