"""What is differentiated, against torch's own functions."""

import pytest
import torch
from torch.nn import functional

from pathattr.objective import OBJECTIVES

LOGITS = 3 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.tensor([0, 3, 1, 2, 2, 0])
EXPECTED = {
    "logit": LOGITS[range(6), TARGET],
    "probability": functional.softmax(LOGITS, 1)[range(6), TARGET],
    "log_probability": functional.log_softmax(LOGITS, 1)[range(6), TARGET],
    "loss": functional.cross_entropy(LOGITS, TARGET, reduction="none"),
}


def test_all_objectives_are_there():
    assert set(OBJECTIVES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_objective_is_torchs(name):
    torch.testing.assert_close(OBJECTIVES[name](LOGITS, TARGET), EXPECTED[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_an_objective_of_an_image_knows_no_other_image(name):
    logits = LOGITS.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(OBJECTIVES[name](logits, TARGET)[2], logits)
    assert (gradient[[0, 1, 3, 4, 5]] == 0).all() and (gradient[2] != 0).any()


def test_huge_logits_stay_finite():
    logits = torch.tensor([[1000.0, -1000.0]])
    for name, expected in (("probability", 0.0), ("log_probability", -2000.0), ("loss", 2000.0)):
        assert float(OBJECTIVES[name](logits, torch.tensor([1]))) == expected
