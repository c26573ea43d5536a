"""What the re-calibration paper shows: gains, correlations of maps, noise and checks against closed forms; every figure drawn."""

import string
import sys
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from pathattr import attribute, source, store
from pathattr.artefact import recalibration as shown
from pathattr.artefact.recalibration import VARIANTS, first_bright_right, map_correlations, noise_table, spearman
from pathattr.dataset.digits import digits_on_photos
from pathattr.files import File
from pathattr.found import Found
from pathattr.integrate import draws
from pathattr.job import Given
from pathattr.model import load
from pathattr.paper import recalibration as checked
from pathattr.plot import style, tables

from .helpers import linear_classifier, refused

METHODS = {
    "ig_uniform": {"method": "ig_uniform", "references": 10, "steps": 5},
    "ig_sg": {"method": "ig_sg", "references": 10, "steps": 5},
    "ig_sq": {"method": "ig_sq", "references": 10, "steps": 5},
    "recalibration_eg": {"method": "eg", "references": 6, "steps": 1},
    "recalibration_agi": {"method": "agi", "steps": 4, "classes": 3, "step_size": 0.02},
}
LINEAR = '''
import torch

def network(classes, channels, size):
    """Logits of class c: the sum of weight[c] * pixels."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * size * size, classes, bias=False))
'''


class Bench:
    """Writes results to their places, as a plan would have them. `models`: keys of the paper's models."""

    def __init__(self, folder: Path, *models: str, images: int = 6, size: int = 16):
        self.folder, self.inputs, self.images = folder, {}, images
        named = {key: {"model": f"{key}_small", "dataset": "digits_on_photos", "stands_for": f"{key}-1"} for key in models}
        self.params = {"seed": 0, "models": named, "settings": {}, "background_images": None}
        entry = {"dataset": "digits_on_photos", "size": size, "train": 8, "test": images}
        for split in ("train", "test"):
            made = digits_on_photos(split, 0, size=size, train=8, test=images)
            path = folder / f"{split}.parquet"
            store.write_table(path, made.index, {"digest": "d"})
            masks = made.masks.astype("uint8")
            store.write_arrays(path.with_suffix(".arrow"), {"pixels": made.pixels, "masks": masks}, {"digest": "d"})
            self.inputs[split] = [File(str(path), "d", dataset="digits_on_photos", entry=entry, seed=0)]
            self.index, self.masks = made.index, made.masks
        self.shape = made.pixels.shape[1:]

    def _place(self, model, method, settings) -> tuple[Path, dict]:
        self.params["settings"].setdefault(f"{model}/{method}", settings or METHODS.get(method, {"method": method}))
        about = {"model": model, "method": method, "training": model, "start": 0, "first": 0}
        about |= {"stop": self.images, "last": self.images}
        return self.folder / f"{sum(map(len, self.inputs.values()))}-{model}-{method}", about

    def scores(self, model, method, values: dict, valid=None, settings=None, gradients=50):
        """`values`: variant -> score -> (x, (images, len(x))); `valid`: variant -> how many were kept."""
        path, about = self._place(model, method, settings)
        parts = []
        for variant, scores in values.items():
            for name, (x, numbers) in scores.items():
                numbers = np.asarray(numbers, float).reshape(self.images, -1)
                rows = {"image_id": np.repeat(self.index["image_id"], len(np.atleast_1d(x))), "metric": name}
                rows |= {"x": np.tile(np.atleast_1d(x), self.images), "value": numbers.ravel(), "variant": variant}
                parts.append(pd.DataFrame(rows).assign(gradients=gradients, valid=(valid or {}).get(variant, np.nan)))
        table = pd.concat(parts).sort_values("image_id", kind="stable", ignore_index=True)
        store.write_table(f"{path}.parquet", table, {"digest": "d"})
        self.inputs.setdefault("scores", []).append(File(f"{path}.parquet", "d", **about))

    def maps(self, model, method, maps: dict, settings=None):
        """`maps`: variant -> (images, C, H, W)."""
        path, about = self._place(model, method, settings)
        tensors = {variant: torch.as_tensor(np.asarray(values, np.float32)) for variant, values in maps.items()}
        counts = pd.DataFrame({"gradients": [1] * self.images})
        store.write_maps(
            f"{path}.arrow", self.index.assign(target=self.index["label"]), tensors, counts, "float32", {"digest": "d"}
        )
        self.inputs.setdefault("maps", []).append(File(f"{path}.arrow", "d", **about))

    def logits(self, model, logits):
        path = self.folder / f"{model}-logits.arrow"
        columns = {"image_id": self.index["image_id"].tolist(), "label": self.index["label"].to_numpy()}
        store.write_arrays(path, columns | {"logits": np.asarray(logits, np.float32)}, {"digest": "d"})
        self.inputs.setdefault("test_logits", []).append(File(str(path), "d", model=model, training=model))

    def linear(self, model, weight: torch.Tensor, **about):
        """A network whose logit of class c is the sum of weight[c] * pixels. `weight`: (classes, C, H, W)."""
        (self.folder / "linear.py").write_text(LINEAR)
        network = linear_classifier(weight).module
        known = {"classes": len(weight), "channels": weight.shape[1], "size": weight.shape[2], "digest": "d"}
        channels = [0.0] * weight.shape[1], [1.0] * weight.shape[1]
        path = self.folder / f"{model}.safetensors"
        load.save(path, network, known | {"mean": channels[0], "std": channels[1]} | about)
        entry = {"architecture": f"{self.folder / 'linear.py'}:network", "weights": "trained"}
        self.inputs.setdefault("weights", []).append(File(str(path), "d", model=model, entry=entry))

    @property
    def found(self) -> Found:
        return Found(Given(self.inputs, self.params))


def curve(x, auc, images, rng, spread=0.05) -> dict:
    """A bump of about that area and the area itself, an image each: score -> (x, values)."""
    areas = auc + spread * rng.standard_normal(images)
    shape = np.sin(np.pi * np.asarray(x)) * np.pi / 2
    return {"diffid_output": (x, areas[:, None] * shape), "diffid_output_auc": (np.nan, areas)}


X = np.arange(11) / 10


def filled(folder, images=6, models=("vgg",), methods=tuple(METHODS), score=curve, x=X) -> Bench:
    """Scores of all variants of some methods, and of random maps."""
    bench, rng = Bench(folder, *models, images=images), np.random.default_rng(0)
    for model in models:
        for number, method in enumerate(methods):
            levels = dict(zip(VARIANTS, (0.1, 0.2, 0.3, 0.35), strict=True))
            bench.scores(model, method, {one: score(x, level + 0.02 * number, images, rng) for one, level in levels.items()})
        bench.scores(model, "random", {"vanilla": score(x, 0.0, images, rng)})
    return bench


@pytest.fixture(autouse=True)
def plain():
    """The style of figures, and none left open."""
    style.use()
    yield
    plt.close("all")


def sound(figure):
    """It can be laid out without a complaint, has a journal's width, and no text below 6 points."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()
    assert figure.get_size_inches()[0] == style.PAGE and figure.get_size_inches()[1] < 9.5
    for text in figure.findobj(plt.Text):
        assert text.get_fontsize() >= 6 or not text.get_text() or not text.get_visible(), text
    return figure


# --- registered ---------------------------------------------------------------------------------------------------------


def test_captions_have_only_fields_that_a_plan_fills_in():
    mine = [one for one in source.registered("artefact").values() if one.module == shown.__name__]
    assert len(mine) == 10
    for one in mine:
        fields = {field for _, field, _, _ in string.Formatter().parse(one.doc) if field}
        assert fields <= {parameter.name for parameter in one.parameters} | {"models", "model"}, one.name


# --- scores -------------------------------------------------------------------------------------------------------------


def test_variants_alike_gain_nothing(tmp_path):
    bench, rng = Bench(tmp_path, "vgg"), np.random.default_rng(0)
    same = curve(X, 0.2, bench.images, rng)
    bench.scores("vgg", "ig_uniform", dict.fromkeys(VARIANTS, same))
    _, data = shown.variant_curves(bench.found, models=["vgg"], methods=["ig_uniform"], metric="diffid", images=6)
    assert len(data) == 4 * 11
    assert (data[["gain_over_vanilla", "gain_low", "gain_high"]] == 0).all(axis=None)
    assert data.groupby("variant")["summary"].first().nunique() == 1


def test_a_gain_is_paired_by_image(tmp_path):
    """Images differ much, and every one gains 0.25: so does the mean, without a doubt."""
    bench, rng = Bench(tmp_path, "vgg"), np.random.default_rng(0)
    vanilla = curve(X, 0.2, bench.images, rng, spread=3.0)
    better = {name: (x, np.asarray(values) + 0.25) for name, (x, values) in vanilla.items()}
    bench.scores("vgg", "ig_uniform", dict.fromkeys(VARIANTS, better) | {"vanilla": vanilla})
    figure, data = shown.variant_curves(bench.found, models=["vgg"], methods=["ig_uniform"], metric="diffid", images=6)
    gains = data.drop_duplicates("variant").set_index("variant")[["gain_over_vanilla", "gain_low", "gain_high"]]
    assert np.allclose(gains.loc["valid_references"], 0.25) and (gains.loc["vanilla"] == 0).all()
    ends = data.drop_duplicates("variant").set_index("variant")
    assert ends.loc["vanilla", "summary_high"] - ends.loc["vanilla", "summary_low"] > 1
    assert data["variant"].drop_duplicates().tolist() == list(VARIANTS)


def test_curves_of_all_variants_with_a_control_and_their_means_in_the_legend(tmp_path):
    bench = filled(tmp_path, models=("vgg", "resnet"))
    options = {"models": ["vgg", "resnet"], "methods": list(METHODS), "metric": "diffid", "images": 6, "random": "random"}
    figure, data = shown.variant_curves(bench.found, **options)
    sound(figure)
    assert len(data) == 2 * (5 * 4 + 1) * 11 and set(data["n"]) == {6}
    assert data["model"].drop_duplicates().tolist() == ["vgg", "resnet"]
    assert data["method"].drop_duplicates().tolist() == [*METHODS, "random"]
    row = data[(data["method"] == "ig_sg") & (data["variant"] == "valid_references") & (data["model"] == "vgg")].iloc[0]
    panel = figure.axes[1]
    assert panel.get_title() == "IG-SG" and f"{row['summary']:.3f}" in [text.get_text() for text in panel.get_legend().get_texts()]


def test_the_mean_of_a_curve_can_stand_for_its_area(tmp_path):
    def score(x, level, images, rng):
        values = level + 0.1 * rng.standard_normal((images, len(x)))
        return {"sensitivity_n": (x, values), "sensitivity_n_mean": (np.nan, values.mean(1))}

    bench = filled(tmp_path, methods=("ig_sg",), score=score, x=np.array([0.1, 0.5, 0.9]))
    options = {"models": ["vgg"], "methods": ["ig_sg"], "metric": "sensitivity_n", "images": 6}
    _, data = shown.variant_curves(bench.found, **options, score="sensitivity_n", summary="mean")
    for _, part in data.groupby(["method", "variant"]):
        assert part["summary"].to_numpy() == pytest.approx(part["mean"].mean())


def test_a_method_without_a_variant_is_refused(tmp_path):
    bench = Bench(tmp_path, "vgg")
    bench.scores("vgg", "ig", {"vanilla": curve(X, 0.2, 6, np.random.default_rng(0))})
    with refused("ig", "valid_interpolations", "variants"):
        shown.variant_curves(bench.found, models=["vgg"], methods=["ig"], metric="diffid", images=6)


def test_forms_stand_beside_rivals_with_their_areas(tmp_path):
    bench, rng = filled(tmp_path), np.random.default_rng(1)
    bench.scores("vgg", "smoothgrad", {"vanilla": curve(X, -0.1, 6, rng), "absolute": curve(X, 0.15, 6, rng)})
    forms = [{"entry": one, "method": METHODS[one]["method"], "variant": "valid_references", "form": ""} for one in METHODS]
    forms.append({"entry": "smoothgrad", "method": "smoothgrad", "variant": "absolute", "form": ""})
    options = {"model": "vgg", "forms": forms, "metric": "diffid", "images": 6, "scores": ["diffid_output"]}
    figure, data = shown.form_curves(found := bench.found, **options)
    sound(figure)
    assert len(data) == 6 * 11
    smooth = found.scores(["diffid_output_auc"], ["absolute"], methods=["smoothgrad"])["value"].mean()
    assert data.loc[data["entry"] == "smoothgrad", "auc"].to_numpy() == pytest.approx(smooth)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[-1] == f"SmoothGrad ({smooth:.3f})" and texts[3].startswith("EG* (")


def test_numbers_of_references_stand_at_what_was_kept(tmp_path):
    bench, rng, sweep = Bench(tmp_path, "vgg"), np.random.default_rng(0), []
    for count in (2, 5, 10, 40):
        name = f"ig_uniform-references{count}"
        valid = {"valid_interpolations": 2.5 * count, "valid_references": 0.6 * count}
        values = {one: curve(X, 0.1 + 0.05 * np.log(count), 6, rng) for one in VARIANTS}
        bench.scores("vgg", name, values, valid, settings={"method": "ig_uniform", "references": count})
        sweep.append({"name": name, "series": "ig_uniform", "values": {"references": count}})
    figure, data = shown.count_curves(bench.found, model="vgg", sweep=sweep, metric="diffid", images=6)
    sound(figure)
    kept = data.set_index(["variant", "references"])["valid"]
    assert kept["valid_interpolations", 40] == 100 and kept["valid_references", 5] == 3
    assert kept["vanilla"].isna().all() and len(data) == 12
    assert [text.get_text() for text in figure.axes[2].texts] == ["2", "5", "10", "40"]


# --- pictures -----------------------------------------------------------------------------------------------------------


def made_maps(bench: Bench, seed: int, sharp=1.0) -> dict:
    """Maps that know something of the object: variant -> (images, C, H, W)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((bench.images, *bench.shape))
    size = np.abs(noise) * 0.5 + sharp * bench.masks[:, None] * rng.uniform(0.5, 1.5, noise.shape)
    vanilla = size * np.sign(noise + 0.4 * bench.masks[:, None])
    return {
        "vanilla": vanilla,
        "absolute": np.abs(vanilla),
        "valid_interpolations": np.clip(vanilla, 0, None) + 0.02 * np.abs(noise),
        "valid_references": np.clip(vanilla, 0, None) ** 1.5,
    }


def test_the_image_shown_is_the_first_bright_one_that_is_right(tmp_path):
    bench = Bench(tmp_path, "vgg", images=8)
    labels, dark = bench.index["label"].to_numpy(), bench.index["dark"].to_numpy()
    right = np.eye(10)[labels]
    bench.logits("vgg", right)
    first = int(np.flatnonzero(~dark)[0])
    assert first_bright_right(bench.found, "vgg", 8) == first
    right[first] = np.eye(10)[(labels[first] + 1) % 10]
    bench.inputs["test_logits"].clear()
    bench.logits("vgg", right)
    assert first_bright_right(bench.found, "vgg", 8) == np.flatnonzero(~dark)[1]
    bench.inputs["test_logits"].clear()
    bench.logits("vgg", np.eye(10)[(labels + 1) % 10])
    with refused("vgg", "8 images"):
        first_bright_right(bench.found, "vgg", 8)


def test_maps_of_one_image_have_the_mean_area_below(tmp_path):
    def score(x, level, images, rng):
        return {"deletion_output_auc": (np.nan, level + 0.05 * rng.standard_normal(images))}

    bench = filled(tmp_path, score=score, x=[np.nan])
    bench.logits("vgg", np.eye(10)[bench.index["label"]])
    for seed, method in enumerate(METHODS):
        bench.maps("vgg", method, made_maps(bench, seed))
    found = bench.found
    figure, data = shown.variant_maps(found, model="vgg", methods=list(METHODS), metric="diffid", images=6)
    sound(figure)
    assert len(data) == 20 and data["image_id"].nunique() == 1
    position = first_bright_right(found, "vgg", 6)
    table = found.scores(["deletion_output_auc"], ["absolute"], methods=["ig_sg"]).set_index("image_id")["value"]
    row = data[(data["method"] == "ig_sg") & (data["variant"] == "absolute")].iloc[0]
    assert row["auc"] == pytest.approx(table.mean()) and row["image_auc"] == table[bench.index["image_id"].iloc[position]]
    assert f"{100 * row['auc']:.1f} %" in [axis.get_xlabel() for axis in figure.axes]


def test_the_gallery_has_every_image_and_method_in_three_variants(tmp_path):
    bench = Bench(tmp_path, "vgg", images=4)
    for seed, method in enumerate(METHODS):
        bench.maps("vgg", method, made_maps(bench, seed))
    figure, data = shown.variant_gallery(bench.found, model="vgg", methods=list(METHODS), images=4)
    sound(figure)
    assert len(data) == 4 * 5 * 3
    assert sum(bool(axis.images) and axis.axison for axis in figure.axes) == 4 * 5 * 3 + 4


# --- robustness ---------------------------------------------------------------------------------------------------------


class Trained(Found):
    """Whose models have trainings that know how much noise they bear: of the range, as a share."""

    def trainings(self, model):
        bears = {"none": (0.1, 0.2), "eg": (0.2, 0.3), "valid": (0.4, 0.5)}[model.rpartition("_")[2]]
        about = {"strength": 0.0, "grid": [{"strength": 0.0, "held_out_accuracy": 0.98}]}
        if not model.endswith("none"):
            about = {"strength": 0.1, "grid": [*about["grid"], {"strength": 0.1, "held_out_accuracy": 0.975}]}
        return [(f"{model}-{number}", limit, about) for number, limit in enumerate(bears)]


@pytest.fixture
def noise(monkeypatch):
    """In place of the networks: even images are right up to the noise that a training bears, odd ones always."""
    module = ModuleType("pathattr.model.robustness")

    def accuracy_under_noise(classifier, images, labels, sigmas, seed):
        assert images.shape[0] == len(labels) and seed == 0
        even = np.arange(len(labels)) % 2 == 0
        return torch.tensor(np.array([~even | (sigma <= classifier) for sigma in sigmas]))

    module.accuracy_under_noise = accuracy_under_noise
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_accuracy_under_noise_is_a_row_an_image_and_a_training(tmp_path, noise):
    bench = Bench(tmp_path, "net_none", "net_valid")
    table = noise_table(Trained(Given(bench.inputs, bench.params)), ["net_none", "net_valid"], (0.0, 0.15, 0.45))
    assert len(table) == 2 * 2 * 3 * 6 and list(table) == ["model", "training", "sigma", "image_id", "right"]
    shares = table.groupby(["training", "sigma"])["right"].mean()
    assert shares["net_none-0"].tolist() == [1, 0.5, 0.5] and shares["net_none-1"].tolist() == [1, 1, 0.5]
    assert shares["net_valid-0"].tolist() == [1, 1, 0.5] and shares["net_valid-1"].tolist() == [1, 1, 1]
    even = table[table["image_id"] == "test-000000"]
    assert even.groupby("sigma")["right"].sum().tolist() == [4, 3, 1]


def test_robustness_is_a_mean_over_trainings_with_its_standard_error(tmp_path, noise):
    models = [f"{net}_{prior}" for net in ("a", "b") for prior in ("none", "eg", "valid")]
    bench = Bench(tmp_path, *models)
    found = Trained(Given(bench.inputs, bench.params))
    figure, data = shown.noise_robustness(found, left=models[:3], right=models[3:])
    sound(figure)
    assert len(data) == 6 * 6 and set(data["trainings"]) == {2} and set(data["n"]) == {6}
    row = data[(data["model"] == "b_eg") & (data["sigma"] == 0.3)].iloc[0]
    assert row["accuracy"] == 0.75 and row["standard_error"] == pytest.approx(0.25)  # 0.5 and 1: sd 0.354, over the root of 2
    assert row["strength"] == "0.1" and row["grid"] == "0: 0.9800, 0.1: 0.9750; 0: 0.9800, 0.1: 0.9750"
    texts = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert texts == ["no prior", "EG prior (strength 0.1)", "EG prior, valid references (strength 0.1)"]
    with refused("2 models", "3 names"):
        shown.noise_robustness(found, left=models[:2], right=models[3:])


# --- sanity -------------------------------------------------------------------------------------------------------------


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 9, (2, 3, 8, 8)).astype(float)  # many ties
    assert spearman(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic, abs=1e-12)
    assert spearman(one, one) == pytest.approx(1) and spearman(one, -one) == pytest.approx(-1)
    assert np.isnan(spearman(one, np.full_like(one, 0.3))) and np.isnan(spearman(np.zeros_like(one), other))


def test_maps_correlate_with_themselves_and_constant_ones_with_nothing(tmp_path):
    bench = Bench(tmp_path, "true", "permuted")
    maps = made_maps(bench, 0)
    bench.maps("true", "ig_sg", maps)
    inked = np.where(bench.masks[:, None], -maps["vanilla"], maps["vanilla"])  # turned round on the object only
    other = {"vanilla": inked, "absolute": 2 * maps["absolute"] + 1, "valid_interpolations": -maps["valid_interpolations"]}
    bench.maps("permuted", "ig_sg", other | {"valid_references": np.ones_like(inked)})
    table = map_correlations(bench.found, "true", "permuted", ["ig_sg"], VARIANTS, 6)
    assert len(table) == 24
    means = table.groupby("variant")[["spearman", "spearman_ink", "undefined", "undefined_ink"]].mean()
    assert means.loc["absolute"].tolist() == pytest.approx([1, 1, 0, 0])
    assert means.loc["valid_interpolations"].tolist() == pytest.approx([-1, -1, 0, 0])
    assert means.loc["valid_references"].tolist() == [0, 0, 1, 1]
    assert means.loc["vanilla", "spearman_ink"] == pytest.approx(-1) and means.loc["vanilla", "spearman"] > -0.9


def test_both_networks_are_shown_side_by_side_and_as_bars(tmp_path):
    bench = Bench(tmp_path, "true", "permuted")
    for model, sharp in (("true", 1.0), ("permuted", 0.0)):
        for seed, method in enumerate(METHODS):
            bench.maps(model, method, made_maps(bench, seed + 10 * (sharp == 0), sharp))
    found, options = bench.found, {"true_labels": "true", "random_labels": "permuted", "methods": list(METHODS)}
    figure, data = shown.randomised_labels_maps(found, **options, images=1)
    sound(figure)
    assert len(data) == 5 * 8 and set(data["labels"]) == {"true", "random"}
    figure, data = shown.randomised_labels(found, **options, images=6)
    sound(figure)
    assert len(data) == 5 * 4 * 6
    bars = [bar.get_height() for container in figure.axes[0].containers for bar in getattr(container, "patches", ())]
    expected = data[(data["method"] == "ig_uniform") & (data["variant"] == "absolute")]["spearman"].mean()
    assert len(bars) == 15 and bars[0] == pytest.approx(expected)


def test_a_cascade_starts_at_the_intact_network_itself(tmp_path):
    models = ["intact", *(f"stage_{number}" for number in range(1, 4))]
    bench = Bench(tmp_path, *models)
    weight = torch.randn(3, *bench.shape, generator=torch.Generator().manual_seed(0))
    for number, model in enumerate(models):
        bench.linear(model, weight, **({"randomised": ["fc", "C", "stem"][:number]} if number else {}))
        for seed, method in enumerate(METHODS):
            one, other = made_maps(bench, seed), made_maps(bench, seed + 10)
            bench.maps(model, method, {key: one[key] * (3 - number) + other[key] * number for key in one})
        bench.maps(model, "random", {"vanilla": np.random.default_rng(0).random((6, *bench.shape))})
    figure, data = shown.cascade(bench.found, models=models, methods=list(METHODS), images=6, random="random")
    sound(figure)
    assert len(data) == 4 * (5 * 4 + 1) * 6
    assert data["stage"].drop_duplicates().tolist() == ["intact", "fc", "C", "stem"]
    assert data.loc[data["model"] == "intact", "spearman"].to_numpy() == pytest.approx(1)
    assert data.loc[data["method"] == "random", "spearman"].to_numpy() == pytest.approx(1)
    means = data[data["variant"] == "vanilla"].groupby(["method", "stage"], sort=False)["spearman"].mean()["ig_uniform"]
    assert means.is_monotonic_decreasing


# --- checks -------------------------------------------------------------------------------------------------------------


def test_lemma_1_is_exact():
    table = checked.lemma_1()
    assert np.allclose(table["value"], table["expected"], rtol=0, atol=1e-6)
    numbers = table.set_index("quantity")
    for n, printed in {1: 1.0, 2: 0.75, 5: 0.6, 10: 0.55, 50: 0.51, 1000: 0.5005}.items():
        assert numbers.loc[f"mean distance, n = {n}"].loc[["value", "expected"]].tolist() == pytest.approx([printed] * 2, abs=1e-12)


@pytest.fixture
def linear(tmp_path):
    """A linear network and the settings of all five methods on it."""
    bench = Bench(tmp_path, "net", images=3, size=16)
    bench.linear("net", torch.randn(5, *bench.shape, generator=torch.Generator().manual_seed(0)) / 10)
    bench.index["label"] = bench.index["label"] % 5
    store.write_table(tmp_path / "test.parquet", bench.index, {"digest": "d"})
    bench.params["settings"] = {f"net/{name}": dict(values) for name, values in METHODS.items()}
    return bench.found


@pytest.mark.parametrize("method", [name for name in METHODS if name != "ig_sq"])
def test_on_a_linear_network_the_plain_sum_is_complete(linear, method):
    of = checked.subject(linear, "net", method)
    table = checked.completeness(of, checked.traced(of, 3))
    gaps = table[table["quantity"] == "relative gap"].pivot(index="image_id", columns="variant", values="value")
    changes = table[table["quantity"] == "change"].groupby("image_id")["value"].agg(["min", "max"])
    assert len(gaps) == 3 and (changes["min"] == changes["max"]).all() and (changes["min"].abs() > 1e-3).any()
    assert gaps.loc[changes["min"].abs() > 1e-3, "vanilla"].max() < 1e-3
    assert gaps["absolute"].max() > 0.1  # of both signs, so not their sum


def test_what_is_traced_is_the_registered_method_with_its_own_references(linear):
    of, test = checked.subject(linear, "net", "ig_uniform"), linear.test("net")
    integrals, ids = checked.traced(of, 3), test.index["image_id"].tolist()
    maps = attribute(
        "ig_uniform", of.classifier, test.images(0, 3), test.index["label"].to_numpy(), ids=ids, references=10, steps=5
    )
    for number, integral in enumerate(integrals):
        assert torch.equal(integral.result()["vanilla"], maps["vanilla"][number])
        noise = draws(0, "ig_uniform", ids[number])("references").random((10, *integral.x.shape), dtype="float32")
        for row, reference in enumerate(noise):
            assert np.allclose(integral.x - integral.reach[row], reference, atol=1e-6)
        assert sum(integral.share.values()) == pytest.approx(1)


def test_interpolations_keep_three_maps_and_references_one_each(linear):
    of = checked.subject(linear, "net", "ig_uniform")
    table = checked.kept(of, checked.traced(of, 2)).set_index(["variant", "quantity"])["value"]
    assert table["valid_interpolations", "maps kept"] == 3 and table["valid_references", "maps kept"] == 10
    assert table["valid_interpolations", "products"] == 50 and table["valid_references", "products"] == 10
    assert table["valid_references", "bytes kept"] == 10 * 3 * 16 * 16 * 4


def test_all_checks_make_one_table(linear, tmp_path):
    data, page = shown.recalibration_checks(linear, models=["net"], methods=list(METHODS), images=3)
    assert list(data) == ["check", "model", "method", "variant", "image_id", "quantity", "value", "expected"]
    assert data["check"].drop_duplicates().tolist() == ["Lemma 1", "completeness", "memory", "time"]
    assert (data["check"] == "completeness").sum() == 5 * 3 * 4 * 3
    times = data[(data["quantity"] == "times the plain pass")]
    assert len(times) == 10 and (times["value"] > 0).all()
    assert len(page) == 13 + 5 * 4 and page["expected"].notna().sum() == 13
    tables.write_html(tmp_path / "checks.html", page, "Checks")
    assert "IG-Uniform, net_small" in (tmp_path / "checks.html").read_text()
    lemma = page[page["check"] == "Lemma 1"]
    assert np.allclose(lemma["expected"], lemma["computed, or vanilla"], atol=1e-6)


def test_checks_refuse_a_method_without_the_two_forms(linear):
    linear.params["settings"]["net/lpi"] = {"method": "lpi"}
    linear.params["settings"]["net/ig"] = {"method": "ig"}
    for method in ("ig", "lpi"):
        with refused(method, "re-calibrated"):
            checked.subject(linear, "net", method)


def test_no_strength_is_told_where_there_is_none():
    found = SimpleNamespace(trainings=lambda model: [("a", None, {"test_accuracy": 1.0})])
    assert shown._strengths(found, "a") == ("", "")
