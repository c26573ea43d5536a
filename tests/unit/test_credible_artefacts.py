"""The credible paper's artefacts: closed forms on results made here, what the paper prints, and the propositions themselves."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

import pathattr
from pathattr import Classifier, store
from pathattr.artefact.credible import chosen
from pathattr.artefact.gains import _printed, gain, spearman
from pathattr.artefact.sweeps import _value
from pathattr.dataset.split import Split
from pathattr.files import File
from pathattr.found import Found
from pathattr.integrate import draws
from pathattr.memory import Peak
from pathattr.paper import axioms
from pathattr.registry import get

from .helpers import linear_classifier, refused
from .test_found import DIGEST, Bench

MODELS = {"resnet50": "ResNet-50", "cifar_vgg16": "VGG-16", "resnet18": "ResNet-18"}
N = 24
IDS = [f"i{number:02d}" for number in range(N)]


class Results(Bench):
    """Scores, predictions and baselines of models at their places. `confidence` of each model is the same for all images."""

    def __init__(self, folder, confidences=(0.6, 0.7, 0.9)):
        super().__init__(folder)
        self.inputs["baselines"] = []
        self.params["reported"] = {"file": "credible-icml2023.csv", "names": {}}
        for (key, stands_for), sure in zip(MODELS.items(), confidences, strict=True):
            self.params["models"][key] = {"model": f"{key}_small", "dataset": "photos", "stands_for": stands_for}
            logits = np.tile(np.log([sure, 1 - sure]), (N, 1)).astype(np.float32)
            columns = {"image_id": IDS, "label": np.array([0, 0, 0, 1] * (N // 4)), "logits": logits}
            store.write_arrays(folder / key / "logits.arrow", columns, {"digest": DIGEST})
            self.inputs["test_logits"].append(File(str(folder / key / "logits.arrow"), DIGEST, model=key, training=key))

    def add(self, model, method, values, gradients=30, **others):
        """`values`: rise_auc of the images; `others`: those of other scores."""
        scores = {"rise_auc": values, **others}
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": name, "x": np.nan, "value": one, "variant": "vanilla"})
            for name, one in scores.items()
        ]
        self.scores(method, pd.concat(parts).assign(gradients=gradients), model=model)

    def curve(self, model, method, curves: dict):
        """x -> values of the images."""
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": "sensitivity_n", "x": x, "value": values, "variant": "vanilla"})
            for x, values in curves.items()
        ]
        self.scores(method, pd.concat(parts).sort_values("image_id", kind="stable").assign(gradients=30), model=model)

    def computed(self, model, method, pixels=None, **parameters):
        """Two baselines an image: the first within its tolerance, 3 and 5 gradients, at distances 0.05 and 0.15."""
        columns = {
            "image_id": np.repeat(IDS, 2).tolist(),
            "number": np.tile([0, 1], N),
            "met": np.tile([True, False], N),
            "iterations": np.tile([2, 4], N),
            "distance": np.tile([0.05, 0.15], N),
            "gradients": np.tile([3, 5], N),
        }
        columns["baseline"] = np.zeros((2 * N, 1, 2, 2), np.float32) if pixels is None else pixels
        path = self.folder / model / f"{method}-baselines.arrow"
        store.write_arrays(path, columns, {"digest": DIGEST, "baseline": "compute_baseline", "parameters": parameters})
        about = {"model": model, "method": method, "training": model, "first": 0, "last": N}
        self.inputs["baselines"].append(File(str(path), DIGEST, **about))


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


pytestmark = pytest.mark.usefixtures("styled")


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.4, 0.2, N)


# --- gains ----------------------------------------------------------------------------------------------------------------


def test_identical_methods_gain_nothing_and_doubled_scores_gain_all():
    one = values(0)
    assert gain(one, one, 0) == (0, 0, 0)
    assert gain(2 * one, one, 0) == pytest.approx((100, 100, 100))
    assert gain(-one, one, 0) == pytest.approx((-200, -200, -200))
    assert gain(np.zeros(N), -np.abs(one), 0) == pytest.approx((100, 100, 100))  # of the size of a negative reference


def test_the_gain_of_a_shift_is_that_of_the_means_and_inside_its_interval():
    one = values(1)
    change, low, high = gain(one + 0.1, one, 0)
    assert change == pytest.approx(100 * 0.1 / one.mean())
    assert low < change < high


def table_of(results, **options):
    for model in MODELS:
        results.add(model, "credible_ig", values(0), rise_deletion_auc=values(6))
        results.add(model, "credible", 1.5 * values(0), gradients=31, rise_deletion_auc=values(5))
        results.computed(model, "credible")
    options = {"models": list(MODELS), "methods": ["credible_ig", "credible"], "metric": "rise", "images": N} | options
    return get("artefact", "gain_table").function(results.found, **options)


def test_the_table_has_the_printed_numbers_and_gains_beside_the_measured(results):
    data, shown = table_of(results, over="credible_ig", reported="table1", confidences="section7", printed_as={"credible_ig": "ig"})
    row = data.set_index(["model", "method"]).loc[("resnet50", "credible")]
    assert (row["reported"], row["gain_reported"], row["confidence_reported"]) == (0.5311, 43.1, 0.77)
    assert row[["gain", "gain_low", "gain_high"]].tolist() == pytest.approx([50] * 3)
    assert row["mean"] == pytest.approx(1.5 * values(0).mean()) and row["n"] == N
    assert row["confidence"] == pytest.approx(0.6) and row["accuracy"] == 0.75
    assert (row["gradients"], row["baseline_gradients"], row["met_share"]) == (31, 8, 0.5)
    assert row["logit_distance"] == pytest.approx(0.1)
    ig = data.set_index(["model", "method"]).loc[("cifar_vgg16", "credible_ig")]
    assert ig["gain"] == 0 and ig["reported"] == 0.2532 and np.isnan(ig["met_share"])  # a key may end in the paper's name
    assert np.isnan(data.set_index(["model", "method"]).loc[("resnet18", "credible"), "reported"])  # not in Table 1
    assert shown.iloc[3, 2] == "0.5311 (+43.1 %)"
    assert shown.iloc[3, 1].endswith("(+50 % [+50, +50])") and shown["gradients an image"].iloc[3] == "31 + 8"


def test_every_printed_gain_is_found(results):
    """The tables that the paper gives gains for, each by its own models and methods."""
    for table, models in (("table1", ("resnet50", "vgg16")), ("table2", ("resnet18",)), ("table3", ("cifar_resnet50",))):
        look_up = _printed(results.found, [table])
        for model in models:
            share, first = (look_up(model, name, "insertion_minus_deletion_auc") for name in ("credible", "ig"))
            assert look_up(model, "credible", "gain_over_ig_percent") == pytest.approx(100 * (share / first - 1), abs=0.11)


def test_other_scores_stand_besides_and_without_a_reference_there_is_no_gain(results):
    data, shown = table_of(results, besides=["rise_deletion_auc"])
    assert "gain" not in data and data["reported"].isna().all()
    assert data["rise_deletion_auc"].iloc[1] == pytest.approx(values(5).mean())
    assert not any("printed" in name for name in shown) and len(shown) == 2 + 2 + 2
    with refused("gain_table", "'rise_insertion_auc'"):
        get("artefact", "gain_table").function(
            results.found, models=list(MODELS), methods=["credible"], metric="rise", images=N, besides=["rise_insertion_auc"]
        )


@pytest.mark.parametrize(
    "x, y, rho, p",
    [
        ([1, 2, 3, 4], [8, 6, 4, 2], -1, 2 / 24),  # only the two monotone orders are as far out
        ([0.77, 0.81, 0.69], [43.1, 23.5, 58.8], -1, 2 / 6),  # Table 1
        ([0.77, 0.75, 0.64], [43.1, 34.5, 48.1], -0.5, 1),  # Table 2: contradicts the text
        ([0.81, 0.74, 0.79], [7.1, 16.1, 5.0], -0.5, 1),  # Table 3
    ],
)
def test_spearmans_correlation_and_its_exact_p(x, y, rho, p):
    assert spearman(x, y, 0) == pytest.approx((rho, p))


def test_spearmans_correlation_is_scipys_and_its_p_that_of_all_permutations():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=6), np.round(rng.normal(size=6), 0)  # with ties
    rho, p = spearman(x, y, 0)
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)
    every = [abs(stats.spearmanr(x, order).statistic) for order in itertools.permutations(y)]
    assert p == pytest.approx(np.mean(np.array(every) >= abs(rho) - 1e-12))
    x, y = rng.normal(size=(2, 12))
    rho, p = spearman(x, y, 0)  # of random permutations
    many = stats.permutation_test(
        (x,), lambda one: stats.spearmanr(one, y).statistic, permutation_type="pairings", n_resamples=2000, rng=0
    )
    assert rho == pytest.approx(many.statistic) and p == pytest.approx(many.pvalue, abs=0.06)


def test_the_gain_against_confidence_has_measured_and_printed_points(results):
    for factor, model in zip((2.0, 1.5, 1.2), MODELS, strict=True):
        results.add(model, "credible_ig", values(0))
        results.add(model, "credible", factor * values(0))
    tables = ["section7", "table1", "table2", "table3"]
    options = {"models": list(MODELS), "method": "credible", "over": "credible_ig", "metric": "rise", "images": N}
    figure, data = get("artefact", "confidence").function(results.found, **options, reported=tables)
    measured, printed = (data[data["source"] == one] for one in ("measured", "printed"))
    assert measured["gain"].tolist() == pytest.approx([100, 50, 20])
    assert (measured["spearman"] == -1).all() and measured["p"].iloc[0] == pytest.approx(1 / 3)
    assert len(printed) == 9 and len(printed.drop_duplicates(["dataset", "model"])) == 8  # ResNet-50 is in two tables
    assert printed.groupby("table")["spearman_in_table"].first().to_dict() == pytest.approx(
        {"table1": -1, "table2": -0.5, "table3": -0.5}
    )
    axis = figure.axes[0]
    filled = [line for line in axis.lines if line.get_marker() != "None" and line.get_markerfacecolor() != "white"]
    assert len(filled) == 3 and len([line for line in axis.lines if line.get_markerfacecolor() == "white"]) == 8


# --- curves, maps ---------------------------------------------------------------------------------------------------------


def test_correlation_curves_are_means_an_image_and_fraction(results):
    for model in MODELS:
        for shift, method in enumerate(("random", "credible_ig", "credible", "credible_eg")):
            results.curve(model, method, {x: 0.1 * shift + x * values(2) for x in (0.1, 0.5, 0.9)})
    options = {"models": list(MODELS), "metric": "sensitivity_n", "images": N, "grey": ["credible_eg", "credible_ig"]}
    figure, data = get("artefact", "correlation_curves").function(
        results.found, methods=["random", "credible_ig", "credible"], **options
    )
    assert list(data) == ["model", "method", "metric", "fraction", "mean", "low", "high", "n", "undefined"]
    one = data.set_index(["model", "method", "fraction"]).loc[("resnet50", "credible", 0.5)]
    assert one["mean"] == pytest.approx(0.2 + 0.5 * values(2).mean()) and one["low"] < one["mean"] < one["high"]
    assert len(data) == 3 * 4 * 3 and len(figure.axes) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()][0] == "other methods"


@pytest.mark.parametrize(
    "dark, images, least, expected",
    [
        ([0, 0, 0, 0, 1, 0, 1, 1], 4, 2, [0, 1, 4, 6]),
        ([1, 0, 0, 0, 1, 0, 1, 1], 4, 2, [0, 1, 2, 4]),
        ([0, 0, 0, 1, 1, 0, 1, 1], 4, 2, [0, 1, 3, 4]),  # a dark one is not replaced
        ([1, 0, 1, 0, 1, 0, 1, 1], 4, 2, [0, 1, 2, 3]),
        ([0, 0, 0, 0, 0, 0, 0, 1], 4, 2, [0, 1, 2, 7]),  # there is one
        ([0, 0, 0, 0, 1, 1, 1, 1], 2, 4, [4, 5]),
    ],
)
def test_which_images_are_shown(dark, images, least, expected):
    assert chosen(pd.DataFrame({"dark": dark}), images, least, 8) == expected
    assert chosen(pd.DataFrame(index=range(8)), images, least, 8) == list(range(images))


class Pictures(Found):
    """What a gallery asks of a `Found`: random images and maps of 3 x 8 x 8, every third dark."""

    def __init__(self, size: int = 8, count: int = 12):
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 255, (count, 3, size, size), dtype=np.uint8)
        masks = np.zeros((count, size, size), bool)
        masks[:, 2:5, 3:6] = True
        index = pd.DataFrame({"image_id": [f"i{n}" for n in range(count)], "label": np.arange(count) % 10})
        self.params, self.models = {}, {"vgg16": SimpleNamespace(model="vgg_small", dataset="photos", stands_for="VGG-16")}
        self.split = Split(index.assign(dark=index.index % 3 == 2), lambda position: pixels[position], masks)

    def test(self, _model):
        return self.split

    def map(self, _model, method, row):
        full = self.split.mask(row).astype(np.float32) if method == "all" else np.ones(self.split.mask(row).shape, np.float32)
        return np.stack([full, -full, full])


def test_below_each_map_stands_its_share_on_the_object():
    figure, data = get("artefact", "credible_maps").function(Pictures(), model="vgg16", methods=["all", "even"], among=12, images=4)
    assert data.groupby("method")["share_of_attribution_in_mask"].unique().map(list).to_dict() == {"all": [1.0], "even": [9 / 64]}
    assert data["position"].unique().tolist() == [0, 1, 2, 5] and data["dark"].sum() == 4
    texts = [axis.get_xlabel() for axis in figure.axes]
    assert texts.count("1.00") == texts.count("0.14") == 4 and "class 2, dark" in texts


# --- axioms ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_inside_one_piece_both_axioms_hold_and_across_they_do_not(seed, threads):
    """Propositions 1 and 2: the largest of 16 places, of IG and of Algorithm 2."""
    threads(1)
    table = axioms.inside_and_across(seed)
    largest = table.groupby(["baseline", "quantity", "method"])["value"].max()
    assert (largest.loc["same piece"] < 1e-5).all()
    across = largest.loc["black, another piece"]
    assert across.loc[("weak_dependence", "ig")] > 1e-3
    assert across.loc[("completeness_gap", "ig")] < 1e-2 < across.loc[("completeness_gap", "credible")]
    assert (table.groupby(["baseline", "method", "quantity"]).size() == axioms.PLACES).all()


def test_two_points_of_a_piece_share_its_weights():
    """The network's gradient, by autograd, is one between the two points and at the baseline, and another at black."""
    network = axioms.random_network(3)
    for number in range(4):
        value, points = axioms.two_in_a_piece(axioms.Units(network), np.random.default_rng(number))
        places = torch.cat([points, torch.full((1, 1, 1, 2), value), points.mean(0, keepdim=True), torch.zeros(1, 1, 1, 2)])
        (slopes,) = torch.autograd.grad(network(places.requires_grad_()).sum(), places)
        assert torch.equal(slopes[0], slopes[1]) and torch.equal(slopes[0], slopes[2]) and torch.equal(slopes[0], slopes[3])
        assert not torch.equal(slopes[0], slopes[4])


class Functional(nn.Module):
    """Three units: two of a module that is called twice, one of a function."""

    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return torch.cat([self.relu(x[:, 0:1] - 0.5), self.relu(0.5 - x[:, 1:2]), nn.functional.relu(x[:, 0:1] + x[:, 1:2] - 1)], 1)


@pytest.mark.parametrize("place, share", [((0.9, 0.9), 1), ((0.9, 0.05), 1 / 3), ((0.2, 0.9), 2 / 3), ((0.2, 0.2), 0)])
def test_units_are_counted_wherever_they_are_called(place, share):
    """At (0.9, 0.9) the states are on, off, on."""
    units = axioms.Units(Functional())
    assert units.same(torch.tensor([[0.9, 0.9]]), torch.tensor([place] * 40)) == pytest.approx(share)
    assert np.isnan(axioms.Units(nn.Sequential(nn.Linear(2, 2), nn.Tanh())).same(torch.zeros(1, 2), torch.zeros(1, 2)))


def test_a_linear_network_is_complete_from_every_baseline_and_all_is_valid():
    classifier = linear_classifier(torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)))
    x = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    kinds = axioms.constant_baselines(x, ["a", "b", "c"], 0) | {"blur": axioms.starts(x, (0.5, 2.0), 0.02)}
    table = axioms.on_baselines(classifier, x, ["a", "b", "c"], kinds, 8, 5, 0)
    means = table.groupby(["baseline", "method", "quantity"])["value"].max()
    for kind in kinds:
        assert means[(kind, "ig", "completeness_gap")] < 1e-5 and means[(kind, "credible", "completeness_gap")] < 1e-5
        assert means[(kind, "credible", "valid_share")] == 1
    there, black = (classifier.logits(values).norm(dim=1) for values in (x, torch.zeros_like(x)))
    assert (black == 0).all() and means[("black", "", "logit_distance")] == pytest.approx(1)
    assert means[("black", "", "probability")] == pytest.approx(1 / 3)


def test_gaps_valid_features_and_states_are_those_of_the_registered_methods(smooth):
    """From black: the sum of the registered map, and Definition 7 by float64 arithmetic of its own at the same alphas."""
    x, ids, black = smooth.x[:2], smooth.ids[:2], torch.zeros_like(smooth.x[:2])[:, None]
    table = axioms.on_baselines(smooth.classifier, x, ids, {"black": black}, 12, 5, 7)
    found = table.set_index(["method", "quantity", "image_id"])["value"]
    logits, start = smooth.classifier.logits(x), smooth.classifier.logits(black[:, 0])
    target = logits.argmax(1)
    maps = {
        "ig": pathattr.attribute("ig", smooth.classifier, x, target, ids=ids, steps=12)["vanilla"],
        "credible": pathattr.attribute("credible", smooth.classifier, x, target, ids=ids, steps=12, baselines=black, seed=7)[
            "vanilla"
        ],
    }
    for row, name in enumerate(ids):
        change = float(logits[row, target[row]] - start[row, target[row]])
        for method, values in maps.items():
            gap = abs(float(values[row].sum()) - change)
            assert found[(method, "completeness_gap", name)] == pytest.approx(gap, abs=1e-4)
            assert found[(method, "gap_of_change", name)] == pytest.approx(gap / abs(change), abs=1e-4)
            assert found[(method, "gap_of_logits", name)] == pytest.approx(gap / float(logits[row].norm()), abs=1e-4)
        alpha = torch.from_numpy(draws(7, "credible", name)("alpha", 0).random(12, dtype="float32")).double().view(-1, 1, 1, 1)
        image = x[row].double()
        points = torch.cat([alpha * image, image[None]]).requires_grad_()
        (slopes,) = torch.autograd.grad(smooth.network(points)[:, target[row]].sum(), points)
        felt, threshold = (image - alpha * image) * slopes[:-1], image * slopes[-1]
        share = ((felt * threshold > 0) & (felt.abs() < threshold.abs())).double().mean()
        assert found[("credible", "valid_share", name)] == pytest.approx(float(share), abs=2e-3)


def test_the_axioms_table_pairs_images_and_tells_both_distances(tmp_path, smooth, threads):
    threads(1)
    case, number = smooth, len(smooth.x)
    settings = {"blurs": [1.0, 3.0], "delta": 5 / 255, "iterations": 2}
    pixels, _ = pathattr.baselines("compute_baseline", case.classifier, case.x, case.target, ids=case.ids, **settings)
    results = Results(tmp_path)
    columns = {"image_id": np.repeat(case.ids, 2).tolist(), "number": np.tile([0, 1], number)}
    columns["baseline"] = pixels.flatten(0, 1).numpy()
    store.write_arrays(tmp_path / "b.arrow", columns, {"digest": DIGEST, "baseline": "compute_baseline", "parameters": settings})
    results.inputs["baselines"].append(File(str(tmp_path / "b.arrow"), DIGEST, model="resnet50", method="credible"))
    found = results.found
    found.classifier = lambda model: case.classifier
    index = pd.DataFrame({"image_id": case.ids, "label": case.target})
    found.test = lambda model: SimpleNamespace(index=index, images=lambda start, stop: case.x[start:stop])
    options = {"models": ["resnet50"], "images": number, "steps": 4, "places": 2}
    data, shown = get("artefact", "credible_axioms").function(found, method="credible", **options)
    assert list(data) == ["part", "model", "baseline", "method", "image_id", "quantity", "value"]
    assert not data.duplicated(["model", "baseline", "method", "image_id", "quantity"]).any()
    wide = data[data["part"] == "models"].pivot(index="image_id", columns=["baseline", "method", "quantity"], values="value")
    start, end = (wide[("compute_baseline", "", name)] for name in ("distance_start", "distance_end"))
    assert (start == wide[("blur", "", "logit_distance")]).all() and (end <= start).all()
    without = wide.columns.get_level_values("quantity").str.startswith("states")  # this network has no ReLU
    assert wide.loc[:, ~without].notna().all(axis=None) and wide.loc[:, without].isna().all(axis=None) and len(wide) == number
    assert shown["distance falls"].iloc[-1] == f"{(end < start).sum()} of {number}"
    assert shown["baseline"].tolist()[2:] == ["black", "noise", "channel average", "blur only", "ComputeBaseline"]
    with refused("no baselines", "ig"):
        get("artefact", "credible_axioms").function(found, method="ig", **options)


# --- sweeps, cost ---------------------------------------------------------------------------------------------------------


def swept(results, methods=("credible-steps15", "finer", "coarser")):
    usual = {"blurs": [2.0, 4.0], "step_size": 1 / 255, "delta": 5 / 255}
    others = {"credible-steps15": {}, "finer": {"step_size": 0.5 / 255}, "coarser": {"blurs": [4.0, 8.0]}, "both": {"delta": 0.1}}
    for shift, (name, own) in enumerate({"credible": {}, **others}.items()):
        results.add("resnet50", name, values(0) + 0.01 * shift, gradients=31)
        results.computed("resnet50", name, **{**usual, **own})
        steps = 15 if name in ("credible-steps15", "both") else 30
        about = {"method": "credible", "objective": "logit", "variants": ["vanilla"], "steps": steps, "as_printed": False}
        results.params["settings"][f"resnet50/{name}"] = about
    options = {"model": "resnet50", "method": "credible", "metric": "rise", "images": N, "margin": 0.02}
    return get("artefact", "sweep_panels").function(results.found, methods=list(methods), **options)


def test_a_sweep_has_a_panel_for_each_parameter_and_differences_to_the_default(results):
    figure, data = swept(results)
    assert list(zip(data["parameter"], data["value"], data["default"], strict=True)) == [
        ("steps", "15", False),
        ("steps", "30", True),
        ("step_size", str(0.5 / 255), False),
        ("step_size", str(1 / 255), True),
        ("blurs", "[2.0, 4.0]", True),
        ("blurs", "[4.0, 8.0]", False),
    ]
    assert data["difference"].tolist() == pytest.approx([0.01, 0, 0.02, 0, 0, 0.03])
    assert data["difference_low"].tolist() == pytest.approx(data["difference"].tolist())  # the same shift of every image
    assert {"mean", "low", "high", "n", "gradients", "baseline_gradients"} <= set(data) and (data["baseline_gradients"] == 8).all()
    titles = [axis.get_xlabel() for axis in figure.axes[:3]]
    assert titles == ["steps", "step size", "blurs"]
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["1/510", "1/255"]


@pytest.mark.parametrize("name, words", [("both", "delta"), ("credible", "nothing")])
def test_an_entry_that_changes_two_parameters_or_none_has_no_panel(results, name, words):
    with refused("sweep_panels", words, "accepted: one parameter"):
        swept(results, [name])


@pytest.mark.parametrize(
    "value, text", [(5 / 255, "5/255"), (0.0196078, "5/255"), (0.07, "0.07"), (12, "12"), ([2.0, 4.0], "2, 4"), ("soft", "soft")]
)
def test_values_on_an_axis(value, text):
    assert _value(value) == text


def test_the_peak_counts_tensors_that_are_alive_together():
    there = torch.zeros(1000)
    with Peak() as peak:
        for _ in range(5):
            one = there + 1
            two = one.view(10, 100).mul_(2)  # the same memory
            del one, two
    assert peak.bytes == 4000
    with Peak() as peak:
        there.add_(1)
        there.view(10, 100)
    assert peak.bytes == 0
    x = torch.zeros(1000, requires_grad=True)
    with Peak() as peak:  # ten kept for the backward pass, and gradients one after the other
        y = x
        for _ in range(10):
            y = y.exp()
        torch.autograd.grad(y.sum(), x)
    assert 10 * 4000 < peak.bytes < 14 * 4000


def test_cost_counts_the_baselines_too_and_takes_the_first_method_for_one(tmp_path, threads):
    threads(1)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    results = Results(tmp_path)
    settings = {"blurs": [1.0, 2.0], "iterations": 3, "tolerance": 1e-9}
    store.write_arrays(
        tmp_path / "b.arrow", {"image_id": ["a"]}, {"digest": DIGEST, "baseline": "compute_baseline", "parameters": settings}
    )
    results.inputs["baselines"].append(File(str(tmp_path / "b.arrow"), DIGEST, model="resnet50", method="credible"))
    common = {"objective": "logit", "variants": ["vanilla"], "steps": 10}
    results.params["settings"] = {
        "resnet50/credible_ig": {"method": "ig", "rule": "midpoint", **common},
        "resnet50/credible": {"method": "credible", "as_printed": False, **common},
    }
    found, classifier = results.found, Classifier(module, (0.0,) * 3, (1.0,) * 3)
    found.classifier = lambda model: classifier
    index = pd.DataFrame({"image_id": list("abcd"), "label": [0, 1, 2, 0]})
    found.test = lambda model: SimpleNamespace(index=index, images=lambda start, stop: x[start:stop])
    options = {"models": ["resnet50"], "methods": ["credible_ig", "credible"], "images": 4, "rounds": 2}
    data, shown = get("artefact", "cost_table").function(found, **options)
    ig, credible = (data.set_index("method").loc[name] for name in ("credible_ig", "credible"))
    assert (ig["gradients"], ig["baseline_gradients"]) == (10, 0)
    assert (credible["gradients"], credible["baseline_gradients"]) == (11, 2 * 4)  # a tolerance that is never met
    assert ig[["time_ratio", "memory_ratio", "gradient_ratio"]].tolist() == [1, 1, 1]
    assert credible["gradient_ratio"] == pytest.approx(1.9)
    assert data["megabytes"].min() > 0 and (data["seconds_low"] <= data["seconds"]).all()
    assert shown["gradients"].tolist() == ["10 + 0", "11 + 8"]
    again, _ = get("artefact", "cost_table").function(found, **options)
    assert again["megabytes"].tolist() == data["megabytes"].tolist()
