"""RISE, the method, against its equation, and against what it is on average."""

import numpy as np
import pytest
import torch

from oracles import rise as oracle
from pathattr import attribute
from pathattr.integrate import draws
from pathattr.registry import get

from .helpers import assert_close, linear_classifier, refused

SEED, COUNT = 3, 9


def score(case, target: int, objective: str):
    def of(pixels):
        with torch.no_grad():
            logits = case.network(torch.from_numpy(pixels)[None])[0]
        likely = torch.softmax(logits, 0)[target]
        return float({"logit": logits[target], "probability": likely, "loss": -likely.log()}[objective])

    return of


@pytest.mark.parametrize("objective", [None, "logit", "loss"])
@pytest.mark.parametrize("cells, probability, value", [(3, 0.5, 0.0), (7, 0.3, 0.6)])
def test_rise_is_equation_6(smooth, objective, cells, probability, value):
    options = dict(masks=COUNT, cells=cells, probability=probability, value=value, seed=SEED, objective=objective)
    found = attribute("rise", smooth.classifier, smooth.x, smooth.target, ids=smooth.ids, **options)["vanilla"]
    height, width = smooth.x.shape[2:]
    for x, target, name, one in zip(smooth.x, smooth.target, smooth.ids, found, strict=True):
        draw = draws(SEED, "rise", name)("masks")
        grids = draw.random((COUNT, cells, cells)) < probability
        shifts = draw.integers(0, [-(-height // cells), -(-width // cells)], (COUNT, 2))
        masks = [oracle.mask(grid, shift, height, width) for grid, shift in zip(grids, shifts, strict=True)]
        expected = oracle.saliency(score(smooth, target, objective or "probability"), x.double().numpy(), masks, probability, value)
        assert_close(one.double().sum(0), expected, 1e-4)
        assert_close(one[0], one[1], 1e-6)  # spread evenly


def test_more_masks_come_nearer_to_the_mean_over_all_masks():
    """Over all 2 ** 4 grids and all shifts, which an oracle adds up; the error falls with the root of the number of masks."""
    weight = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    classifier, x = linear_classifier(weight), torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(2))
    plain = weight[0].double().numpy()
    expected = oracle.expected(lambda pixels: float((plain * pixels).sum()), x[0].double().numpy(), 2, 0.4, 0.0)
    errors = []
    for masks in (256, 16384):
        found = attribute("rise", classifier, x, [0], masks=masks, cells=2, probability=0.4, objective="logit", micro_batch=128)
        errors.append(np.abs(found["vanilla"][0, 0].double().numpy() - expected).mean() / np.abs(expected).mean())
    assert errors[1] < 0.03 and errors[1] < errors[0] / 2


def test_a_pixel_that_alone_counts_is_where_the_map_is_highest():
    weight = torch.zeros(2, 1, 14, 14)
    weight[0, 0, 4, 9] = 1.0
    found = attribute("rise", linear_classifier(weight), torch.ones(1, 1, 14, 14), [0], masks=512, objective="logit")
    row, column = divmod(int(found["vanilla"][0, 0].argmax()), 14)
    assert abs(row - 4) <= 1 and abs(column - 9) <= 1


def test_it_takes_forward_passes_alone():
    assert get("method", "rise").passes("forwards", (3, 8, 8), masks=17) == 17
    assert get("method", "rise").passes("gradients", (3, 8, 8)) == 0


def test_bad_parameters_are_refused(smooth):
    for options, word in ((dict(probability=1.0), "below 1"), (dict(masks=0), "at least 1"), (dict(cells=0), "at least 1")):
        with refused(word):
            attribute("rise", smooth.classifier, smooth.x, smooth.target, **options)
