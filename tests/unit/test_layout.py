"""Layout of images in memory and folding of batch norms: what is measured, kept with the weights, and used again."""

import copy
import itertools

import pytest
import torch
from torch import nn

from pathattr import Classifier, attribute
from pathattr.files import File
from pathattr.model import layout, load

from .helpers import assert_close, assert_same_maps, refused
from .test_plan import SHIPPED, digests

ENTRY = {"architecture": "resnet_small"}
ABOUT = {"classes": 10, "channels": 3, "size": 32, "mean": [0.5] * 3, "std": [0.25] * 3, "digest": "d"}
FORMS = [(name, folded) for name in layout.LAYOUTS for folded in (True, False)]


def made(case, name: str, folded: bool = True) -> Classifier:
    return Classifier(copy.deepcopy(case.classifier.module), (0.5,) * 3, (0.25,) * 3, fold_batch_norm=folded, layout=name)


@pytest.mark.parametrize("name, folded", FORMS)
def test_every_form_gives_the_same_maps_but_for_rounding(name, folded, standin):
    expected = attribute("ig", standin.classifier, standin.x, standin.target, steps=8)["vanilla"]
    classifier = made(standin, name, folded)
    found = attribute("ig", classifier, standin.x, standin.target, steps=8)["vanilla"]
    assert_close(classifier.logits(standin.x), standin.classifier.logits(standin.x), 1e-5)
    assert float((found - expected).norm() / expected.norm()) < 0.02  # a point on a kink of a ReLU may fall to its other side
    weights = [part.weight for part in classifier._network.modules() if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)]
    assert all(one.is_contiguous(memory_format=layout.LAYOUTS[name]) for one in weights)
    assert folded != any(isinstance(part, nn.BatchNorm2d) for part in classifier._network.modules())


def test_a_map_does_not_depend_on_its_batch_in_the_plain_layout_either(standin):
    classifier = made(standin, "contiguous")
    whole = attribute("ig", classifier, standin.x, standin.target, ids=standin.ids, micro_batch=16)
    assert_same_maps(attribute("ig", classifier, standin.x, standin.target, ids=standin.ids, micro_batch=64), whole)
    last = attribute("ig", classifier, standin.x[2:], standin.target[2:], ids=standin.ids[2:])
    assert_same_maps(last, {name: maps[2:] for name, maps in whole.items()})


@pytest.mark.parametrize("name, folded", FORMS)
def test_the_form_that_takes_least_time_is_chosen(name, folded, standin, monkeypatch):
    """By a clock that runs slow for all but one; contestants come in the order of `contest`."""
    contest = [(one, other) for one in layout.LAYOUTS for other in (False, True)]
    calls = itertools.cycle(contest)

    def seconds(work, device):
        work()
        return 1.0 if next(calls) == (name, folded) else 2.0

    monkeypatch.setattr(layout, "seconds", seconds)
    classifier = made(standin, "measured")
    assert classifier.measured == {}
    found = attribute("ig", classifier, standin.x, standin.target, steps=8)
    assert classifier.measured == {"layout": name, "folded": folded, "measured_on": "cpu"}
    assert_same_maps(found, attribute("ig", made(standin, name, folded), standin.x, standin.target, steps=8))


def test_contestants_run_at_the_size_asked_for_and_leave_torchs_draws_alone(monkeypatch):
    shapes = []

    class Seen(nn.Module):
        def forward(self, x):
            shapes.append((tuple(x.shape), x.is_contiguous(memory_format=torch.channels_last)))
            return x.flatten(1)

    before = torch.get_rng_state()
    Classifier(Seen(), layout="measured")(torch.rand(1, 3, 6, 5, generator=torch.Generator()))
    assert torch.equal(before, torch.get_rng_state())
    assert [shape for shape, _ in shapes[:-1]] == [(layout.ROWS, 3, 6, 5)] * 2 * (layout.ROUNDS + 1)
    assert [last for _, last in shapes[:-1]] == [True, False] * (layout.ROUNDS + 1)


@pytest.mark.parametrize("name, folded", FORMS)
def test_what_was_measured_goes_with_the_weights(name, folded, standin, tmp_path):
    """And every job that opens them runs the network so, whatever is fastest there."""
    network = load.build(ENTRY, 10, 3, 32)
    load.save(tmp_path / "w.safetensors", network, {**ABOUT, "layout": name, "folded": folded, "measured_on": "cpu"})
    file = File(tmp_path / "w.safetensors", "d", entry=ENTRY, runs={"layout": "measured", "precision": "float32"})
    classifier, _ = load.opened(file)
    classifier.logits(standin.x)
    assert classifier.layout == name and classifier.measured == {}
    assert folded != any(isinstance(part, nn.BatchNorm2d) for part in classifier._network.modules())


@pytest.mark.parametrize("name", layout.LAYOUTS)
def test_a_fixed_layout_is_the_configurations_whatever_was_measured(name, tmp_path):
    network = load.build(ENTRY, 10, 3, 32)
    load.save(tmp_path / "w.safetensors", network, {**ABOUT, "layout": "contiguous", "folded": False})
    file = File(tmp_path / "w.safetensors", "d", entry=ENTRY, runs={"layout": name, "precision": "float32"})
    classifier, _ = load.opened(file)
    assert classifier.layout == name and classifier._fold


def test_an_unknown_layout_is_refused():
    with refused("layout is 'nhwc'", "channels_last, contiguous, measured"):
        Classifier(nn.Flatten(), layout="nhwc")


DOWNSTREAM = ["logits/", "neighbourhoods/", "maps/", "scores/"]


@pytest.mark.parametrize(
    "edit, parts",
    [
        (("layout", "contiguous"), DOWNSTREAM),
        (("layout", "measured"), [*DOWNSTREAM, "models/"]),
        (("precision", "bfloat16"), DOWNSTREAM),
        (("precision", "tf32"), DOWNSTREAM),
    ],
    ids=lambda one: one[1] if isinstance(one, tuple) else "",
)
def test_only_measuring_touches_the_weights(edit, parts):
    """Another layout or precision changes what the network gives, not what it has learnt."""
    found = digests(edit)
    assert {path for path in found if found[path] != SHIPPED[path]} == {
        path for path in SHIPPED if any(part in path for part in parts)
    }
