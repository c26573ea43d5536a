"""What a configuration costs: small ones counted by hand, and the committed page."""

import copy
import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import pathattr
from pathattr import InputError, cost, source
from pathattr.config import load
from pathattr.method.captum import Plain, Rule
from pathattr.metric import retraining
from pathattr.overlay import merged
from pathattr.plan import Plan, planned
from pathattr.registry import get
from pathattr.resources import Needs
from pathattr.study import Study, baselines_of
from pathattr.training.data import Data
from pathattr.training.prior import attribution_prior

from .test_config import OVERLAYS, ROOT, SCHEMA, changed

RATES = yaml.safe_load((ROOT / "resources" / "rates.yaml").read_text())
SIZE = 10  # pixels a side
SMALL = [  # 30 training images, 20 test images; nothing is asked of the rest of the configuration
    ("datasets/digits_on_photos", {"dataset": "digits_on_photos", "size": SIZE, "train": 30, "test": 20}),
    ("models/resnet_small/training/epochs", 3),
    ("methods/ig", {"steps": 7}),
    ("methods/ig_again", {"method": "ig", "steps": 7}),
    ("methods/eg", {"references": 5, "steps": 2}),
    ("metrics/diffid", {"fractions": 4, "absolute": False}),
]


def paper(methods, images: int, metric: str = "diffid", model: str = "resnet_small", **artefacts) -> dict:
    """A paper with one figure of some methods on a model."""
    figure = {"artefact": "removal_curves", "model": "m", "methods": methods, "metric": metric, "images": images}
    return {"title": "a paper", "models": {"m": model}, "artefacts": {"figure": figure, **artefacts}}


def bill(papers: dict, *edits, **options) -> cost.Bill:
    edits = copy.deepcopy([*SMALL, *edits, ("papers", papers)])
    return cost.Bill(Plan(Study(changed(*edits)), ROOT), RATES, **options)


def summed(costs, what: str, rule: str = "") -> float:
    return sum(getattr(one, what) for one in costs if not rule or one.rule == rule)


def test_maps_that_two_papers_share_are_counted_once_for_the_first():
    found = bill({"one": paper(["ig"], 6), "two": paper(["ig_again", "eg"], 4)})
    first = found.first()
    assert summed(first["one"], "gradients") == 6 * 7
    assert summed(first["two"], "gradients") == 4 * 5 * 2
    assert summed(found.alone("two"), "gradients") == 6 * 7 + 4 * 5 * 2  # the file holds six images
    assert summed(found.shared(), "gradients") == 6 * 7
    assert summed(first["one"], "forwards") == 6 * 8 and summed(first["two"], "forwards") == 4 * 8  # the scores' too
    assert summed(found.files.values(), "bytes") == (6 + 4) * 3 * SIZE * SIZE * 4


def test_a_network_is_trained_once_for_all_papers():
    found = bill({"one": paper(["ig"], 6), "two": paper(["eg"], 4)})
    for costs in (found.first()["one"], found.alone("one"), found.alone("two"), found.files.values()):
        assert (summed(costs, "trainings"), summed(costs, "trained")) == (1, 3 * 30)
    assert summed(found.first()["two"], "trainings") == 0
    thrice = bill({"one": paper(["ig"], 6)}, ("models/resnet_small/training/seeds", 3)).files.values()
    assert (summed(thrice, "trainings"), summed(thrice, "trained")) == (3, 3 * 3 * 30)
    assert summed(thrice, "gradients") == 6 * 7  # two images for each training


def test_a_network_that_begins_with_another_takes_both():
    found = bill({"one": paper(["ig"], 2, model="resnet_pairs")})
    trained = {one.network: one.trained for one in found.files.values() if one.rule == "train_model"}
    assert trained == {"resnet_small": 3 * 30, "resnet_pairs": 6 * 8000}


def test_smaller_values_within_a_run_take_no_gradient_of_their_own():
    forms = [{"ig_uniform_many": {"references": count}} for count in (2, 5, 10)] + ["ig_uniform_many"]
    files = bill({"one": paper(forms, 6)}).files.values()
    assert summed(files, "gradients") == 6 * 40 * 5  # `references` x `steps` of the entry
    (maps,) = (one for one in files if one.rule == "attribute")
    assert maps.maps == 4 * (1 + 3)  # variants x numbers of references
    assert summed(files, "bytes") == 6 * 16 * 3 * SIZE * SIZE * 4
    assert summed(files, "forwards") == 6 * 16 * 2 * 4  # every map is scored


@pytest.mark.parametrize("upto", [[2, 5], {"references": [2, 5]}, {"references": [2], "steps": [3]}])
def test_maps_within_a_run_are_counted_in_either_form(upto):
    assert cost._maps({"variants": ["vanilla", "absolute"], "upto": upto}) == 2 * 3
    assert cost._maps({"variants": ["vanilla", "absolute"], "upto": upto}, unsigned=True) == 3
    assert cost._maps({"variants": ["absolute"]}, unsigned=True) == 1


def test_absolute_values_are_not_scored_where_they_score_as_the_signed_do():
    variants = ("methods/ig/variants", ["vanilla", "absolute"])
    signed, unsigned = (
        bill({"one": paper(["ig"], 6)}, variants, ("metrics/diffid/absolute", flag)).files.values() for flag in (False, True)
    )
    assert (summed(signed, "forwards"), summed(unsigned, "forwards")) == (6 * 8 * 2, 6 * 8)
    assert summed(signed, "bytes") == summed(unsigned, "bytes") == 6 * 2 * 3 * SIZE * SIZE * 4


def test_baselines_are_counted_once_for_all_methods_that_have_them():
    baselines = {"blurs": [1.0, 2.0, 3.0], "iterations": 9}
    edits = [("methods/credible", {"steps": 8, **baselines}), ("methods/mine", {"method": "credible", "steps": 20, **baselines})]
    files = bill({"one": paper(["credible"], 6), "two": paper(["mine"], 6)}, *edits).files.values()
    assert summed(files, "gradients", "baselines") == 6 * (9 + 1) * 3
    assert summed(files, "bytes", "baselines") == 6 * 3 * 3 * SIZE * SIZE * 4
    assert summed(files, "gradients", "attribute") == 6 * (1 + 3 * (8 // 3)) + 6 * (1 + 3 * (20 // 3))


def test_probes_are_counted_once_a_model_and_metrics_that_read_them_ask_for_nothing():
    probed = {"metric": "sensitivity_n", "fractions": [0.2, 0.4], "subsets": 5}
    edits = [("metrics/sensitivity_n", probed), ("metrics/mine", {**probed, "of": "predicted"})]
    other = paper(["ig"], 4, "sensitivity_n", "vgg_small")
    papers = {"one": paper(["ig", "eg"], 6, "sensitivity_n"), "two": paper(["ig"], 4, "mine"), "three": other}
    found = bill(papers, *edits)
    asked = 1 + 2 * 5
    assert summed(found.files.values(), "forwards") == (6 + 4) * asked  # resnet_small's six images, vgg_small's four
    assert summed(found.files.values(), "bytes", "probe") == (6 + 4) * asked * 10 * 4  # logits of ten classes
    assert summed(found.first()["two"], "forwards") == 0
    assert summed(found.alone("two"), "forwards") == 6 * asked


def test_fine_tunings_are_shares_times_seeds_times_ends_times_maps():
    roar = {"shares": [0.2, 0.5, 0.8], "seeds": 2, "epochs": 4, "train": 25}
    files = bill(
        {"one": paper(["ig", "eg"], 20, "diffroar")}, ("metrics/diffroar", roar), ("methods/eg/variants", ["vanilla", "absolute"])
    )
    files = files.files.values()
    assert summed(files, "tunings") == 3 * 2 * 2 * (1 + 2)
    assert summed(files, "trained", "retrain") == 3 * 2 * 2 * (1 + 2) * 4 * 25
    assert summed(files, "forwards") == 3 * 2 * 2 * (1 + 2) * 20  # each network, each test image
    assert summed(files, "gradients") == (20 + 25) * (7 + 10)  # maps of both splits


def test_fine_tunings_are_those_that_diffroar_makes(monkeypatch):
    """Counted where they happen."""
    made = []
    monkeypatch.setattr(retraining, "fine_tune", lambda network, x, *_, **given: made.append((len(x), given["epochs"])) or network)
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 255, (12, 1, 4, 4), dtype=np.uint8), np.arange(12) % 3
    settings = {"shares": [0.3, 0.6], "seeds": 3, "epochs": 2, "train": 8}
    data = Data(pixels, labels, pixels[:5], labels[:5], [0.5], [0.2], seed=0)
    maps = {"train": torch.randn(8, 1, 4, 4), "test": torch.randn(5, 1, 4, 4)}
    get("metric", "diffroar").function(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), data, maps, **settings)
    files = bill({"one": paper(["ig"], 20, "diffroar")}, ("metrics/diffroar", settings)).files.values()
    assert summed(files, "tunings") == len(made)
    assert summed(files, "trained", "retrain") == sum(images * epochs for images, epochs in made)


@pytest.mark.parametrize("form", ["none", "valid_references"])
def test_trainings_with_a_prior_are_those_that_are_made(form):
    """Images that pass through a network while gradients are kept, counted where they do."""
    seen = []

    class Counting(nn.Sequential):
        def forward(self, x):
            if torch.is_grad_enabled():
                seen.append(len(x))
            return super().forward(x)

    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 255, (40, 1, 4, 4), dtype=np.uint8), np.arange(40) % 3
    settings = {"form": form, "epochs": 2, "batch_size": 10, "learning_rate": 1e-3, "weight_decay": 0.0, "held_out": 0.25}
    settings |= {"strengths": [0.1, 1.0], "references": 3}
    network = Counting(nn.Flatten(), nn.Linear(16, 3))
    attribution_prior(network, Data(pixels, labels, pixels, labels, [0.5], [0.2], seed=0), **settings)
    edits = [("models/prior_none/training", {"training": "attribution_prior", **settings}), ("datasets/digits_native/train", 40)]
    files = bill({"one": paper(["ig"], 4, model="prior_none")}, *edits).files.values()
    (one,) = (one for one in files if one.rule == "train_model")
    assert one.trained == sum(seen)
    assert one.trainings == (1 if form == "none" else 3)


@pytest.mark.parametrize("parts", [1, 4])
def test_logits_are_one_pass_an_image_whatever_the_parts(parts):
    files = bill({"one": paper([{"lpi": {"references": 4}}], 6)}, ("training_shards", parts)).files.values()
    assert summed(files, "forwards", "logits") == 30
    assert summed(files, "bytes", "logits") == 30 * 10 * 4
    assert summed(files, "forwards", "attribute") == 6  # of the image itself, for its neighbourhood


def test_hours_are_passes_over_the_rate_in_proportion_to_the_pixels():
    found = bill({"one": paper(["ig"], 6)}, rate=500)
    files = list(found.files.values())
    maps, scores, training = 6 * 7 / 500, 6 * 8 / 1000, 1.5 * 90 / 500
    assert found.gpu_hours(files) == pytest.approx((maps + scores + training) / 3600 * (SIZE / 224) ** 2)
    slower = bill({"one": paper(["ig"], 6)}, rate=250)
    assert slower.gpu_hours(slower.files.values()) == pytest.approx(2 * found.gpu_hours(files))
    near = RATES["cpu"][1]
    assert near["side"] == 64
    gradients, forwards = (near[kind]["seconds"] * 4 / near[kind]["passes"] for kind in ("gradients", "forwards"))  # core seconds
    expected = ((6 * 7 + 1.5 * 90) * gradients + 6 * 8 * forwards) / 3600 * (SIZE / 64) ** 2
    assert found.core_hours(files) == pytest.approx(expected)


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "config")
def test_the_papers_sum_to_the_total(overlay):
    config = changed() if overlay is None else merged(changed(), yaml.safe_load(overlay.read_text()))
    found = cost.Bill(Plan(load(config, SCHEMA), ROOT), RATES)
    first = found.first()
    assert sum(map(len, first.values())) == len(found.files) > 0
    for what in ("gradients", "forwards", "trained", "tunings", "trainings", "bytes"):
        total = summed(found.files.values(), what)
        assert sum(summed(costs, what) for costs in first.values()) == pytest.approx(total)
        assert all(summed(found.alone(name), what) >= summed(costs, what) for name, costs in first.items())
    for hours in (found.gpu_hours, found.core_hours):
        assert sum(map(hours, first.values())) == pytest.approx(hours(found.files.values()))
    assert not [line for line in found.unknown if "captum" not in line and "index" not in line]  # all else says what it takes


def test_every_registered_cost_can_be_counted():
    """Of methods and baselines at their defaults, as `Entry.passes` has it."""
    found = bill({"one": paper(["ig"], 1)})
    for kind in ("method", "baseline"):
        for name, known in source.registered(kind).items():
            if known.facts.get("family"):
                continue
            settings = {one.name: one.default for one in known.parameters}
            (gradients,) = found._passes(kind, name, settings, "digits_on_photos", ("gradients",), baselines=3)
            assert not found.unknown, name
            assert kind == "baseline" or gradients == get(kind, name).passes("gradients", (3, SIZE, SIZE), baselines=3)


CAPTUM = {  # arguments, where the defaults take long or there are none
    "IntegratedGradients": {"n_steps": 7},
    "Occlusion": {"sliding_window_shapes": [3, 3, 2], "strides": [3, 2, 1]},
    "ShapleyValueSampling": {"n_samples": 2},
}


@pytest.mark.parametrize("name", RATES["captum"])
def test_passes_of_captums_classes_are_those_that_run(name):
    from captum import attr

    classifier = pathattr.Classifier(Plain(3, 5), (0.5,) * 3, (0.5,) * 3)
    own, arguments = RATES["captum"][name], CAPTUM.get(name, {}) | ({"baselines": 0} if name == "GradientShap" else {})
    rule = Rule(name, arguments, seed=0)
    rule(classifier, "logit", torch.rand(1, 3, SIZE, SIZE), torch.tensor([2]))
    found = bill({"one": paper(["ig"], 1)})
    assert found._passes("method", f"captum:{name}", arguments, "digits_on_photos") == [rule.passes, rule.forwards]
    takes = inspect.signature(getattr(attr, name).attribute).parameters
    assert all(takes[key].default == value for key, value in own.items() if isinstance(value, int))
    if name == "Occlusion":  # every window where nothing is said; a form that the table does not foresee is not guessed
        arguments = {"sliding_window_shapes": [1, SIZE, SIZE]}
        assert found._passes("method", "captum:Occlusion", arguments, "digits_on_photos") == [0, 4] and not found.unknown
        found._passes("method", "captum:Occlusion", arguments | {"strides": 2}, "digits_on_photos")
        assert found.unknown == {"method captum:Occlusion, which says “0” of its cost"}


@pytest.mark.parametrize("name", source.registered("baseline"))
def test_how_many_baselines_an_image_gets(name):
    parameters = {one.name: one.default for one in source.registered("baseline")[name].parameters}
    network = pathattr.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(3 * 36, 4)), (0.5,) * 3, (0.5,) * 3)
    few = {key: 2 for key in ("iterations", "attack_steps") if key in parameters}
    pixels, _ = pathattr.baselines(name, network, torch.rand(2, 3, 6, 6), torch.tensor([0, 1]), **few)
    assert pixels.shape[:2] == (2, baselines_of({"baseline": name, **parameters}))


@pytest.mark.parametrize("name", [name for name, known in source.registered("dataset").items() if known.facts.get("made")])
def test_what_is_told_of_a_made_dataset_is_what_it_is(name):
    told = bill({"one": paper(["ig"], 1)}, ("datasets/mine", {"dataset": name, "train": 300, "test": 7})).data("mine")
    made = get("dataset", name).function("train", train=300, test=7)
    assert made.pixels.shape == (told.images["train"], *told.shape)
    assert told.images["test"] == 7
    assert made.index["label"].max() < told.classes <= 2 * made.index["label"].nunique()


def test_what_nobody_knows_is_named_and_not_guessed():
    edits = [("datasets/mine", {"dataset": "imagefolder", "root": "x"})]
    edits.append(("models/mine", {"dataset": "mine", "architecture": "torchvision.vgg16", "weights": "published"}))
    edits.append(("methods/lpi/neighbourhoods/mine", 2))
    edits.append(("methods/influence", {"method": "captum:InternalInfluence"}))
    page = bill({"one": paper(["lpi", "influence"], 2, model="mine")}, *edits).page("mine")
    assert "- Logits of mine: how many train images it has is not known before its index." in page
    assert "- Method captum:InternalInfluence" in page


def test_the_page_is_up_to_date():
    page = cost.page([ROOT / "config" / "imagenet.yaml"])
    assert (ROOT / "docs" / "full-scale.md").read_text() == page, "run: make docs"


def test_the_command_needs_no_torch():
    code = "import sys; sys.modules['torch'] = sys.modules['pandas'] = None; from pathattr import cost; cost.main(sys.argv[1:])"
    given = [sys.executable, "-c", code, str(ROOT / "config" / "smoke.yaml"), "--rate", "2000"]
    done = subprocess.run(given, cwd=ROOT / "scripts", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "at 2 000 gradients and 4 000 forward passes a second" in " ".join(done.stdout.split())


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    (tmp_path / "own.yaml").write_text("micro_batch: 5\n")
    (tmp_path / "torn.yaml").write_text("a: [\n")
    for name, words in (("none", "none.yaml: No such file"), ("torn", "torn.yaml, line 2: "), ("own", "a multiple of 16")):
        with pytest.raises(SystemExit) as caught:
            cost.main([str(tmp_path / f"{name}.yaml")])
        assert words in str(caught.value) and len(str(caught.value).splitlines()) == 1
    with pytest.raises(SystemExit):
        cost.main(["--rate", "-1"])
    assert "--rate" in capsys.readouterr().err.splitlines()[-1]


# --- a method on a model --------------------------------------------------------------------------------------------------


def test_what_a_method_takes_on_a_model_is_its_maps_its_baselines_and_their_scores():
    blurs = {"blurs": [1.0, 2.0, 3.0], "iterations": 9, "steps": 8}
    papers = {"one": paper(["ig", "credible"], 6), "two": paper(["ig"], 4, model="vgg_small")}
    found = bill(papers, ("methods/credible", blurs), ("resources/gradients_per_second", 3))
    rows = {(row.method, row.model): row for row in found.by_method(found.files)}
    assert set(rows) == {("ig", "resnet_small"), ("ig", "vgg_small"), ("credible", "resnet_small")}
    ig, credible = rows["ig", "resnet_small"], rows["credible", "resnet_small"]
    assert (ig.images, ig.each, ig.scoring) == (6, (7, 0), 6 * 8)
    assert credible.each == (1 + 3 * (8 // 3) + (9 + 1) * 3, 0)
    assert ig.hours == pytest.approx((6 * 7 + 6 * 8 / 2) / 3 * (SIZE / 224) ** 2 / 3600)
    assert ig.bytes == 6 * 3 * SIZE**2 * 4 and credible.bytes == 6 * (1 + 3) * 3 * SIZE**2 * 4
    hours = [row.hours for row in found.by_method(found.files)]
    assert hours == sorted(hours, reverse=True)
    assert {row.model for row in found.by_method(found.asked["two"])} == {"vgg_small"}  # only of the files that are asked about


def test_a_method_that_says_nothing_of_its_cost_is_marked_so():
    edit = "methods/influence", {"method": "captum:InternalInfluence"}
    found = bill({"one": paper(["influence", "occlusion", "ig"], 2)}, edit)
    rows = {row.method: row for row in found.by_method(found.files)}
    assert not rows["influence"].known and rows["occlusion"].known and rows["ig"].known
    assert "and more" in cost.shares([rows["influence"]]) and "and more" not in cost.shares([rows["ig"]])


def test_the_bill_of_one_paper_counts_nothing_else():
    papers = {"one": paper(["ig"], 6), "two": paper(["eg"], 4)}
    assert summed(bill(papers, only=["two"]).files.values(), "gradients") == 4 * 5 * 2
    with pytest.raises(InputError, match="TARGET: found 'tow'; accepted: one, two; did you mean two"):
        bill(papers, only=["tow"])


def test_a_method_beyond_the_limit_is_named_with_what_it_takes_and_what_to_write():
    edits = [("methods/perturbation_1", {"per": "pixel"}), ("resources/method_hours", 0.0001)]
    plan = Plan(Study(changed(*copy.deepcopy([*SMALL, *edits, ("papers", {"one": paper(["perturbation_1", "ig"], 20)})]))), ROOT)
    files = plan.targets("one")
    with pytest.raises(InputError) as caught:
        Needs(plan).look(files)
    (line,) = str(caught.value).splitlines()
    for words in (
        "resources.method_hours: found perturbation_1 on resnet_small, 101 forward passes an image",
        "20 images",
        "at most 0.0001",
    ):
        assert words in line
    assert "methods: {perturbation_1: null}" in line
    assert Needs(plan).look([file for file in files if "/perturbation_1/" not in file])  # nothing of it is left to be made


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "config")
def test_the_configurations_are_within_their_own_limits(overlay):
    plan = planned([overlay] if overlay else [], ROOT)
    plan.results()
    assert Needs(plan).look(plan.made)
