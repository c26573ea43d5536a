"""Registered trainings: permuted labels, and attribution priors."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from pathattr.integrate import Integral
from pathattr.model import train as loop
from pathattr.rng import generator
from pathattr.training.classification import classification
from pathattr.training.data import Data
from pathattr.training.prior import attribution_prior, choose, expected_gradients, prior, total_variation

from .helpers import assert_close, refused

FORMS = ("vanilla", "valid_references")
SETTINGS = dict(epochs=4, batch_size=32, learning_rate=0.01, weight_decay=0.01)


@pytest.fixture(scope="module")
def digits() -> Data:
    """160 digits of 8 x 8 to train on, 400 others to test on."""
    bunch = load_digits()
    pixels = np.rint(bunch.images[:, None] * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    return Data(pixels[:160], labels[:160], pixels[160:560], labels[160:560], [0.3], [0.37], seed=0)


@pytest.fixture(autouse=True)
def one_thread(threads):
    """Networks are tiny: a second thread would only wait."""
    threads(1)


def made(seed: int = 0, hidden: int = 64) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, hidden)
        return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, 10))


def same(first: nn.Module, second: nn.Module) -> bool:
    first, second = first.state_dict(), second.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def on_test(network: nn.Module, data: Data) -> float:
    return loop.share_met(network, data.test_pixels, data.test_labels, data.mean, data.std)


# --- the loop ---------------------------------------------------------------------------------------------------------------


def test_a_plain_training_is_the_written_out_one_bit_for_bit(digits):
    """AdamW, one cycle, cross-entropy, batches by torch's permutation."""
    network, oracle = made(), made().to(memory_format=torch.channels_last).train()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        loop.train(network, digits.pixels, digits.labels, [0.3], [0.37], seed=3, **SETTINGS)
    draws = torch.Generator().manual_seed(3)
    optimiser = torch.optim.AdamW(oracle.parameters(), 0.01, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.01, total_steps=20, pct_start=0.2)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        for _ in range(4):
            for rows in torch.randperm(160, generator=draws).numpy().reshape(5, 32):
                x = (torch.from_numpy(digits.pixels[rows]).float() / 255 - 0.3) / 0.37
                logits = oracle(x.contiguous(memory_format=torch.channels_last))
                optimiser.zero_grad()
                nn.functional.cross_entropy(logits, torch.from_numpy(digits.labels[rows])).backward()
                optimiser.step()
                schedule.step()
    assert same(network, oracle)


def test_a_penalty_is_added_to_the_loss(digits):
    """One that pulls the last weights to 5 has them near 5 at the end."""
    network = made()
    loop.train(
        network,
        digits.pixels,
        digits.labels,
        digits.mean,
        digits.std,
        seed=0,
        **SETTINGS | dict(epochs=40, learning_rate=0.1, weight_decay=0.0),
        penalty=lambda network, x, labels: 1000 * (network[-1].weight - 5).square().mean(),
    )
    assert (network[-1].weight - 5).abs().max() < 0.2


@pytest.mark.parametrize("train", [classification, attribution_prior], ids=["classification", "attribution_prior"])
def test_a_training_that_diverges_ends_in_one_line(train, digits):
    more = {} if train is classification else dict(form="vanilla")
    with refused("loss", "steps", "smaller learning rate"):
        train(made(), digits, **SETTINGS | dict(learning_rate=1e25), **more)


# --- permuted labels --------------------------------------------------------------------------------------------------------


def test_permuted_labels_are_learnt_and_nothing_of_the_true_ones(digits):
    """Adebayo et al.: above 95 % on what it was trained on; on the test images what guessing gives, not far from 10 %."""
    settings = SETTINGS | dict(epochs=60, learning_rate=0.005)
    network = made(hidden=256)
    told = classification(network, digits, permuted=True, **settings)
    assert told["train_accuracy"] > 0.95
    assert abs(on_test(network, digits) - 0.1) < 0.07
    assert loop.share_met(network, digits.pixels, digits.labels, [0.3], [0.37]) < 0.3
    network = made(hidden=256)
    told = classification(network, digits, **settings)
    assert told["train_accuracy"] == loop.share_met(network, digits.pixels, digits.labels, [0.3], [0.37]) > 0.99
    assert on_test(network, digits) > 0.8


def test_labels_are_permuted_by_the_seed_alone(digits, monkeypatch):
    """The same labels, each as often as before, for whatever network; others for another seed."""
    seen = []
    monkeypatch.setattr("pathattr.training.classification.train", lambda network, pixels, labels, *_, **__: seen.append(labels))
    for network, seed in ((made(0), 0), (made(1), 0), (made(0), 1)):
        classification(network, replace(digits, seed=seed), permuted=True, **SETTINGS)
    assert np.array_equal(seen[0], seen[1]) and not np.array_equal(seen[0], seen[2])
    assert all(np.array_equal(np.bincount(labels), np.bincount(digits.labels)) for labels in seen)
    assert (seen[0] != digits.labels).mean() > 0.8


# --- the prior's formula ----------------------------------------------------------------------------------------------------


@pytest.fixture
def case():
    """A smooth network in float64, 3 images of 2 x 5 x 4, 4 references of each, and where on the line they are met."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.SiLU(), nn.Flatten(), nn.Linear(80, 3))
        network[1].running_mean.uniform_(-0.2, 0.2), network[1].running_var.uniform_(0.5, 2.0)
        x, references, alpha = torch.randn(3, 2, 5, 4), torch.randn(3, 4, 2, 5, 4), torch.rand(3, 4)
    return network.double().train(), x.double(), torch.tensor([0, 2, 2]), references.double(), alpha.double()


@pytest.mark.parametrize("form", FORMS)
def test_maps_are_those_of_the_integrator(case, form):
    """On the same references, form "valid_references" is `Integral`'s, and vanilla its sum."""
    network, x, labels, references, alpha = case
    network.eval()
    found = expected_gradients(network, x, labels, references, alpha, form)
    for number in range(len(x)):
        integral, shift = Integral(x[number], (form,)), x[number] - references[number]
        points = (references[number] + alpha[number].view(-1, 1, 1, 1) * shift).requires_grad_()
        gradient = torch.autograd.grad(network(points)[:, labels[number]].sum(), points)[0]
        integral.add(gradient, shift, weight=1 / 4, points=points, references=list(range(4)))
        assert_close(found[number], integral.result()[form], 1e-6)
    signs = (found < 0).double().mean()
    assert signs > 0.2 if form == "vanilla" else signs == 0


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_of_the_prior_is_that_of_finite_differences(case, form):
    network, *rest = case
    prior(network, *rest, form).backward()
    for values in (network[0].weight, network[1].weight, network[4].weight):
        for place in (0, 7, 20):
            place %= values.numel()
            ends = []
            for step in (1e-6, -2e-6):
                values.data.view(-1)[place] += step
                ends.append(prior(network, *rest, form).item())
            values.data.view(-1)[place] += 1e-6
            assert float(values.grad.view(-1)[place]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_the_prior_is_that_of_a_network_that_does_not_learn_from_its_points(case):
    """In evaluation mode: the value of a frozen copy, no statistics of batch norms touched, training mode as before."""
    network, *rest = case
    before = copy.deepcopy(network)
    value = prior(network, *rest, "vanilla")
    assert network.training and all(part.training for part in network.modules()) and same(network, before)
    assert value == total_variation(expected_gradients(before.eval(), *rest, "vanilla")).mean()


def test_total_variation_of_simple_maps():
    board = (torch.arange(6)[:, None] + torch.arange(5)) % 2.0
    halves = torch.zeros(6, 4)
    halves[:, 2:] = 1
    found = total_variation(torch.stack([3 * board[:, :4] - 1, halves, torch.full((6, 4), 0.7)])[:, None])
    assert_close(found, [4.0, 2 / 3, 0.0])  # -1, 1 in turns: 2 down and 2 across; one step of 2 among 3; no variation at all
    maps = torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    assert_close(total_variation(2 * maps + 5), total_variation(maps))
    array = maps.double().numpy()
    array = (array - array.mean((1, 2, 3), keepdims=True)) / array.std((1, 2, 3), keepdims=True)
    expected = [np.abs(np.diff(one, axis=1)).mean() + np.abs(np.diff(one, axis=2)).mean() for one in array]
    assert_close(total_variation(maps), expected)


# --- the training -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shares, chosen",
    [
        ({0.0: 0.95, 0.1: 0.95, 1.0: 0.94}, 1.0),  # a loss of just what is allowed
        ({0.0: 0.95, 0.1: 0.95, 1.0: 0.93}, 0.1),
        ({0.0: 0.95, 0.1: 0.90, 1.0: 0.96}, 1.0),  # the largest, whatever the smaller ones do
        ({0.0: 0.95, 0.1: 0.90, 1.0: 0.80}, 0.1),  # none: the smallest
        ({0.0: 0.95}, 0.0),
    ],
    ids=str,
)
def test_the_rule_that_chooses_a_strength(shares, chosen):
    rows = [{"strength": strength, "held_out_accuracy": share} for strength, share in shares.items()]
    assert choose(rows[::-1], 0.01) == choose(rows, 0.01) == chosen


def trained(data: Data, form: str, **changes):
    network = made()
    return network, attribution_prior(network, data, form=form, **SETTINGS | changes)


def test_the_result_is_the_network_of_the_strength_chosen(digits):
    """Trained alone or in the grid, on the images that are not held out; "none" is strength 0."""
    plain, told = trained(digits, "none")
    assert told["strength"] == 0 and len(told["grid"]) == 1
    allowed = dict(loss_allowed=1.0)
    strong, told = trained(digits, "vanilla", strengths=(0.3, 0.1), **allowed)
    assert told["strength"] == 0.3 and [row["strength"] for row in told["grid"]] == [0, 0.1, 0.3]
    alone, again = trained(digits, "vanilla", strengths=(0.3,), **allowed)
    assert same(strong, alone) and again["grid"] == told["grid"][::2] and again["train_accuracy"] == told["train_accuracy"]
    assert not same(strong, plain) and not same(strong, trained(digits, "valid_references", strengths=(0.3,), **allowed)[0])
    order = generator(0, "held out").permutation(160)
    shares = [loop.share_met(strong, digits.pixels[rows], digits.labels[rows], [0.3], [0.37]) for rows in np.split(order, [32])]
    assert shares == [told["grid"][2]["held_out_accuracy"], told["train_accuracy"]]
    assert not strong.training


def test_held_out_images_teach_nothing(digits):
    held = generator(0, "held out").permutation(160)[:32]
    pixels = digits.pixels.copy()
    pixels[held] = 255 - pixels[held]
    changed = replace(digits, pixels=pixels)
    assert same(trained(digits, "none")[0], trained(changed, "none")[0])


def test_the_seed_decides_and_the_state_of_the_generator_does_not(digits):
    few = dict(strengths=(0.3,), loss_allowed=1.0, epochs=2)
    first, told = trained(digits, "valid_references", **few)
    torch.rand(3)
    again, repeated = trained(digits, "valid_references", **few)
    assert same(first, again) and told == repeated
    assert not same(first, trained(replace(digits, seed=1), "valid_references", **few)[0])


@pytest.mark.parametrize("form", FORMS)
def test_a_prior_makes_new_maps_smoother(digits, form):
    """Maps of test images, against the same training without it."""
    x = loop.normalised(digits.test_pixels[:64], digits.mean, digits.std)
    references, alpha = x.roll(1, 0)[:, None], torch.full((64, 1), 0.5)
    labels = torch.from_numpy(digits.test_labels[:64])
    variation = {}
    for strength in (0, 3.0):
        network, _ = trained(digits, form if strength else "none", strengths=(3.0,), loss_allowed=1.0, epochs=8)
        variation[strength] = total_variation(expected_gradients(network, x, labels, references, alpha, form)).mean().item()
    assert variation[3.0] < 0.9 * variation[0]


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(held_out=0.0), ["held_out is 0.0"]),
        (dict(held_out=1.0), ["held_out is 1.0"]),
        (dict(held_out=0.001), ["held_out is 0.001", "160 images"]),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(digits, changes, words):
    with refused("attribution_prior", *words):
        trained(digits, "vanilla", **changes)
