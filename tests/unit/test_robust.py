"""The re-calibration paper's claim on noise: accuracies of several trainings, against closed forms and a bootstrap written out."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from oracles import judging as oracle
from pathattr.judging import NotRun, verdict
from pathattr.registry import get
from pathattr.rng import generator

from .test_comparisons import ABOUT, limits

SEED, IMAGES, SIGMAS = 5, 60, [0, 0.1, 0.3]


def hits(*accuracies, key: int = 0) -> np.ndarray:
    """Right or not, (trainings, images), of these accuracies exactly."""
    rng = np.random.default_rng(key)
    return np.stack([rng.permutation(np.arange(IMAGES) < round(one * IMAGES)) for one in accuracies])


class Fake:
    """Models with the outcome of each sigma. `of`: model -> [(trainings, images) a sigma]; images beyond are never right."""

    def __init__(self, of: dict, monkeypatch):
        self.seed, self.of = SEED, of
        self.models = {key: SimpleNamespace(model=key, dataset="digits", stands_for="MLP") for key in of}
        module = ModuleType("pathattr.artefact.recalibration")
        module.noise_table = lambda found, models, sigmas: found.noise(models, sigmas)
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def test(self, model: str):
        return SimpleNamespace(index=pd.DataFrame({"image_id": [f"i{number:03d}" for number in range(IMAGES + 10)]}))

    def noise(self, models, sigmas) -> pd.DataFrame:
        assert sigmas == SIGMAS
        parts = []
        for model in models:
            for sigma, right in zip(sigmas, self.of[model], strict=True):
                for number, values in enumerate(right):
                    place = {"model": model, "training": f"{model}-{number}" if number else model, "sigma": sigma}
                    ids = self.test(model).index["image_id"]
                    parts.append(pd.DataFrame(place | {"image_id": ids, "right": np.append(values, np.zeros(10, bool))}))
        return pd.concat(parts, ignore_index=True)


def judge(found, **options):
    given = dict(models=["none", "eg", "valid"], sigmas=SIGMAS, images=IMAGES)
    return get("claim", "robust").function(found, **(given | options))


def models(*noisy, clean=0.9, key: int = 0) -> dict:
    """none, eg, valid: accuracies of the trainings at both sigmas above 0."""
    of = {}
    for place, (name, accuracies) in enumerate(zip(("none", "eg", "valid"), noisy, strict=False)):
        start = key + 10 * place
        at_0 = clean[place] if isinstance(clean, tuple) else clean
        of[name] = [hits(*[at_0] * len(accuracies), key=start), hits(*accuracies, key=start + 1), hits(*accuracies, key=start + 2)]
    return of


def expected(*differences) -> tuple[list, list]:
    """Estimates and intervals: trainings drawn first, then the images of all of them together."""
    draws = []
    for values in differences:  # (trainings, images)
        seeds, drawn = len(values), oracle.weights(IMAGES, SEED)
        chosen = generator(SEED, "bootstrap", "trainings", seeds).multinomial(seeds, np.full(seeds, 1 / seeds), size=len(drawn))
        means = [oracle.means(one.tolist(), drawn) for one in values]
        draws.append(
            [
                sum(times * mean[place] for times, mean in zip(chosen[place], means, strict=True)) / seeds
                for place in range(len(drawn))
            ]
        )
    estimates = [float(values.mean()) for values in differences]
    return estimates, oracle.simultaneous(estimates, draws)


@pytest.mark.parametrize(
    ("noisy", "sides"),
    [
        (((0.3, 0.35), (0.6, 0.65), (0.9, 0.95)), ["for", "for"]),
        (((0.9, 0.95), (0.6, 0.65), (0.3, 0.35)), ["against", "against"]),
        (((0.5, 0.5), (0.5, 0.55), (0.9, 0.9)), ["open", "for"]),
        (((0.3,), (0.6,), (0.6,)), ["for", "open"]),
    ],
)
def test_each_model_against_the_one_before_it(noisy, sides, monkeypatch):
    of = models(*noisy)
    judged = judge(Fake(of, monkeypatch))
    right = {name: (values[1] + values[2] * 1.0) / 2 for name, values in of.items()}
    estimates, ends = expected(right["eg"] - right["none"], right["valid"] - right["eg"])
    assert [cell["label"] for cell in judged.cells] == ["eg - none", "valid - eg"]
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx(estimates)
    assert [limits(cell) for cell in judged.cells] == [pytest.approx(one, abs=1e-9) for one in ends]
    assert [cell["side"] for cell in judged.cells] == sides and {cell["n"] for cell in judged.cells} == {IMAGES}
    trainings = [] if len(noisy[0]) == 1 else [after - before for before, after in zip(*noisy[:2], strict=True)]
    assert judged.cells[0]["trainings"] == pytest.approx(trainings)
    found = verdict(judged, ABOUT)
    json.dumps(found, allow_nan=False)
    assert ("given these 2 trainings" in found["notes"]) == bool(trainings)
    assert judged.overall["estimate"] == pytest.approx(np.mean(estimates))


@pytest.mark.parametrize(("second", "side"), [(0.6, "for"), (0.28, "open")])
def test_a_step_is_decided_where_every_training_agrees(second, side, monkeypatch):
    of = {name: [values[0][:2], *values[1:]] for name, values in models((0.1, 0.3), (1.0, second)).items()}
    (cell,) = judge(Fake(of, monkeypatch), models=["none", "eg"]).cells
    assert cell["trainings"] == pytest.approx([0.9, round(second * IMAGES) / IMAGES - 0.3]) and cell["side"] == side


def test_trainings_are_resampled_and_not_images_alone(monkeypatch):
    """Two trainings that differ much: the interval reaches from one to the other, which images alone would not."""
    of = models((0.0, 0.0), (0.2, 0.9))
    (cell,) = judge(Fake(of, monkeypatch), models=["none", "eg"]).cells
    assert cell["low"] < 0.2 and cell["high"] > 0.9 and cell["estimate"] == pytest.approx(0.55)


def test_two_networks_are_judged_together(monkeypatch):
    of = models((0.3, 0.3), (0.6, 0.6), (0.9, 0.9))
    of |= {f"{name}2": values for name, values in models((0.5,), (0.9,), key=50).items()}
    judged = judge(Fake(of, monkeypatch), models2=["none2", "eg2"])
    assert [cell["label"] for cell in judged.cells] == ["eg - none", "valid - eg", "eg2 - none2"]
    assert [len(cell["trainings"]) for cell in judged.cells] == [2, 2, 0]


@pytest.mark.parametrize(
    ("clean", "words"),
    [((0.9, 0.9), "not resolved from a loss of 1"), ((0.6, 0.95), "no loss above 1"), ((0.95, 0.6), "a loss above 1")],
)
def test_what_is_lost_without_noise_is_told(clean, words, monkeypatch):
    judged = judge(Fake(models((0.3,), (0.6,), clean=clean), monkeypatch), models=["none", "eg"])
    (note,) = judged.notes
    assert note.startswith(f"at sigma 0, eg - none: {100 * (clean[1] - clean[0]):+.2f} points [") and note.endswith(words)


def test_what_is_no_step_is_not_judged(monkeypatch):
    found = Fake(models((0.3, 0.3), (0.6,)), monkeypatch)
    with pytest.raises(NotRun, match="^one model alone is more robust than none$"):
        judge(found, models=["none"])
    with pytest.raises(NotRun, match="^no sigma is above 0: nothing is noisy$"):
        judge(found, models=["none", "eg"], sigmas=[0])
    with pytest.raises(NotRun, match="^none and eg have 2 and 1 trainings: they are no pairs$"):
        judge(found, models=["none", "eg"])
