"""The Local Attribution paper's artefacts on results made here, and the page that shows a table."""

import string
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pathattr import source, store
from pathattr.artefact.ranking import ZERO, _covered
from pathattr.files import File
from pathattr.plot import style, tables
from pathattr.plot.names import label, told_apart
from pathattr.registry import get
from pathattr.scores import resampled

from .helpers import refused
from .test_found import DIGEST, Bench

MODELS = {"inception_v3": "Inception-v3", "resnet50": "ResNet-50", "vgg16": "VGG-16", "maxvit_t": "MaxViT-T"}
N = 16
IDS = [f"i{number:02d}" for number in range(N)]
PAPER = ["fig", "deeplift", "gig", "la_ig", "la_smoothgrad", "big", "la_inputgrad", "mfaba", "la_eg", "la_agi", "attexplore", "la"]
PRINTED_AS = {"la_ig": "ig", "la_smoothgrad": "sg", "la_inputgrad": "sm", "la_eg": "eg", "la_agi": "agi"}
BOTH = ("la_insertion_auc", "la_deletion_auc")


class Results(Bench):
    """Scores of models at their places, with predictions of which three in four are right, by the metrics of the paper."""

    def __init__(self, folder):
        super().__init__(folder)
        self.inputs["baselines"] = []
        self.params["reported"] = {"file": "local-attribution-mm2024.csv", "names": {}}
        self.params["metrics"] = {
            "la_insertion_deletion": {"metric": "la_insertion_deletion", "steps": 12, "ranking": "element"},
            "la_channel": {"metric": "la_insertion_deletion", "steps": 12, "ranking": "channel"},
            "diffid": {"metric": "diffid", "fractions": 10, "absolute": True},
        }
        for number, (key, stands_for) in enumerate(MODELS.items()):
            self.params["models"][key] = {"model": f"{key}_small", "dataset": "photos", "stands_for": stands_for}
            sure = 0.6 + 0.1 * number
            logits = np.tile(np.log([sure, 1 - sure]), (N, 1)).astype(np.float32)
            columns = {"image_id": IDS, "label": np.array([0, 0, 0, 1] * (N // 4)), "logits": logits}
            store.write_arrays(folder / key / "logits.arrow", columns, {"digest": DIGEST})
            self.inputs["test_logits"].append(File(str(folder / key / "logits.arrow"), DIGEST, model=key, training=key))

    def add(self, model, method, insertion, deletion, gradients=20, metric="la_insertion_deletion", names=BOTH, **settings):
        """Areas (N,) of an insertion and a deletion, and the settings of the method."""
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": name, "x": np.nan, "value": values, "variant": "vanilla"})
            for name, values in zip(names, (insertion, deletion), strict=True)
        ]
        self.scores(method, pd.concat(parts).assign(gradients=gradients), model=model)
        self.inputs["scores"][-1].about["metric"] = metric
        self.params["settings"][f"{model}/{method}"] = {"method": method.partition("-")[0], **settings}

    def computed(self, model, method):
        """Two baselines an image, of 3 and 5 gradients."""
        columns = {"image_id": np.repeat(IDS, 2).tolist(), "number": np.tile([0, 1], N), "met": np.tile([True, False], N)}
        columns |= {"distance": np.full(2 * N, 0.1), "gradients": np.tile([3, 5], N)}
        path = self.folder / model / f"{method}-baselines.arrow"
        store.write_arrays(path, columns, {"digest": DIGEST, "baseline": "boundary", "parameters": {}})
        self.inputs["baselines"].append(File(str(path), DIGEST, model=model, method=method, first=0, last=N))


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


pytestmark = pytest.mark.usefixtures("styled")


def values(mean: float, seed: int = 0) -> np.ndarray:
    return mean + np.random.default_rng(seed).normal(0, 0.05, N)


def sound(figure):
    """It can be laid out without a complaint, has a journal's width, and no text below 6 points."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()
    assert figure.get_size_inches()[0] == style.PAGE and figure.get_size_inches()[1] < 9.5
    assert all(text.get_fontsize() >= 6 for text in figure.findobj(plt.Text) if text.get_text() and text.get_visible())


@pytest.mark.parametrize("name", ["removal_scores", "rank_slopes", "grouped_bars", "scatter", "sweep_curves"])
def test_captions_have_only_fields_that_a_plan_fills_in(name):
    known = source.registered("artefact")[name]
    fields = {field for _, field, _, _ in string.Formatter().parse(known.doc) if field}
    assert fields <= {parameter.name for parameter in known.parameters} | {"models", "model"}


# --- the table ----------------------------------------------------------------------------------------------------------


def full(results, without=()):
    for model in MODELS:
        for number, method in enumerate([*PAPER, "la_as_released", "random"]):
            if (model, method) not in without:
                results.add(model, method, values(0.1 + 0.02 * number), values(0.4 - 0.02 * number), gradients=20 + number)
    results.computed("vgg16", "big")


def table_of(results, **options):
    options = {"besides": ["la_as_released", "random"], "reported": "table1", "printed_as": PRINTED_AS, **options}
    options = {"models": list(MODELS), "methods": PAPER, "metric": "la_insertion_deletion", "images": N, **options}
    return get("artefact", "removal_scores").function(results.found, **options)


def test_the_table_has_what_the_paper_prints_beside_what_was_measured(results):
    full(results)
    data, shown = table_of(results)
    rows = data.set_index(["model", "method"])
    assert rows.loc[("inception_v3", "fig"), ["la_insertion_auc_reported", "la_deletion_auc_reported"]].tolist() == [
        0.05604,
        0.08542,
    ]
    assert rows.loc[("maxvit_t", "la"), ["la_insertion_auc_reported", "la_deletion_auc_reported"]].tolist() == [0.67147, 0.23326]
    assert rows.loc[("vgg16", "la_smoothgrad"), "la_insertion_auc_reported"] == 0.1269  # SG
    printed = rows.drop(["la_as_released", "random"], level="method")[["la_insertion_auc_reported", "la_deletion_auc_reported"]]
    assert printed.notna().all(axis=None) and printed.size == 96
    assert rows.loc[("vgg16", "random"), "la_insertion_auc_reported"] != rows.loc[("vgg16", "random"), "la_insertion_auc_reported"]
    one = rows.loc[("vgg16", "big")]
    assert one["la_insertion_auc"] == pytest.approx(values(0.2).mean()) and one["n"] == N
    assert one["la_insertion_auc_low"] < one["la_insertion_auc"] < one["la_insertion_auc_high"]
    assert (one["gradients"], one["baseline_gradients"]) == (25, 8) and one["accuracy"] == 0.75
    assert one["confidence"] == pytest.approx(0.8)
    assert shown["method"].tolist()[:4] == ["measured on", "accuracy", "mean confidence", "FIG"]
    assert shown["method"].tolist()[-3:] == ["besides:", "LA (as released)", "Random"]
    assert shown["gradients an image"].iloc[3 + PAPER.index("big")] == "25 + 8" and len(shown) == 3 + 12 + 1 + 2
    assert shown["VGG-16: AUC of insertion into black"].tolist()[:3] == ["vgg16_small, photos", "0.75", "0.80"]


def test_the_best_of_the_papers_methods_is_bold_by_the_direction_of_the_score(results, tmp_path):
    """Of the measured: LA is made so, the random maps that are better do not count. Of the printed: as in Table 1."""
    full(results)
    data, shown = table_of(results)
    best = data[data["la_insertion_auc_best"] | data["la_deletion_auc_best"]]
    assert best["method"].tolist() == ["la"] * 4 and best[["la_insertion_auc_best", "la_deletion_auc_best"]].all(axis=None)
    assert data.loc[data["la_insertion_auc_reported_best"], "method"].tolist() == ["la"] * 4
    lowest = data.loc[data["la_deletion_auc_reported_best"]].set_index("model")["method"].to_dict()
    assert lowest == {"inception_v3": "la_smoothgrad", "resnet50": "gig", "vgg16": "gig", "maxvit_t": "la_smoothgrad"}
    tables.write_html(tmp_path / "t.html", shown, "A caption.")
    page = (tmp_path / "t.html").read_text()
    assert page.count("<b>") == 16 and "<b>0.67147</b>" in page and "**" not in page


def test_a_pair_that_was_not_run_is_a_cell_with_its_reason(results):
    full(results, without=[("maxvit_t", "deeplift")])
    results.params["not_run"] = {"maxvit_t": {"deeplift": "no Rescale rule for attention"}}
    data, shown = table_of(results)
    row = data.set_index(["model", "method"]).loc[("maxvit_t", "deeplift")]
    assert row["not_run"] == "no Rescale rule for attention" and np.isnan(row["la_insertion_auc"])
    assert row["la_insertion_auc_reported"] == 0.26163 and not row["la_insertion_auc_best"]
    cells = shown.set_index("method").loc["DeepLIFT"]
    assert cells["MaxViT-T: AUC of insertion into black"] == "not run: no Rescale rule for attention"
    assert (
        cells["MaxViT-T: AUC of deletion to black"] == "" and cells["MaxViT-T: AUC of insertion into black, printed"] == "0.26163"
    )


def test_any_scores_stand_beside_their_printed_ones(results):
    """As LPI's Table 1: two outcomes of each game, of which the paper prints one."""
    results.params["reported"]["file"] = "lpi-aaai2023.csv"
    names = ("insertion_output_auc", "deletion_output_auc")
    for method in ("ig", "lpi"):
        results.add("vgg16", method, values(0.4), values(0.2), metric="diffid", names=names)
    options = {"scores": names, "reported_scores": ["insertion_auc", "deletion_auc"], "besides": None}
    data, _ = table_of(results, models=["vgg16"], methods=["ig", "lpi"], metric="diffid", **options)
    assert data["insertion_output_auc_reported"].tolist() == [0.425, 0.487]
    assert data["deletion_output_auc_reported_best"].tolist() == [False, True]


# --- ranks --------------------------------------------------------------------------------------------------------------


def slopes(results, **options):
    options = {
        "models": ["inception_v3", "vgg16"],
        "metric": "la_insertion_deletion",
        "second": "la_channel",
        "images": N,
        **options,
    }
    return get("artefact", "rank_slopes").function(results.found, **options)


def test_ranks_follow_the_direction_of_each_score_under_each_protocol(results):
    """Four methods far apart; by the second protocol the order of the first is turned round on one model."""
    methods = ["random", "la_ig", "mfaba", "la"]
    for model in ("inception_v3", "vgg16"):
        for number, method in enumerate(methods):
            results.add(model, method, values(0.1 + number, number), values(5.0 - number, number))
            turned = 3 - number if model == "vgg16" else number
            results.add(model, method, values(0.1 + turned, number), values(5.0 - turned, number), metric="la_channel")
    figure, data = slopes(results, methods=methods)
    sound(figure)
    ranks = data.set_index(["model", "ranked", "metric", "method"]).sort_index()
    for score in BOTH:
        assert ranks.loc[("inception_v3", "ranking element", score), "rank"].loc[methods].tolist() == [4, 3, 2, 1]
        assert ranks.loc[("vgg16", "ranking channel", score), "rank"].loc[methods].tolist() == [1, 2, 3, 4]
    assert (data["rank_low"] == data["rank"]).all() and (data["rank_high"] == data["rank"]).all()  # far apart: no doubt
    assert ranks.loc[("vgg16", "ranking element", BOTH[0], "la"), "mean"] == pytest.approx(values(3.1, 3).mean())
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0].endswith("rank correlation 1.00") and titles[2].endswith("rank correlation \N{MINUS SIGN}1.00")
    assert "higher is better" in titles[0] and "lower is better" in titles[1]


def test_intervals_of_ranks_are_those_of_the_same_resamples_of_images(results):
    """Against ranks of scipy in each draw; of methods that overlap."""
    methods, columns = ["la_ig", "mfaba", "la"], [values(0.50, 1), values(0.51, 2), values(0.52, 3)]
    for metric in ("la_insertion_deletion", "la_channel"):
        for method, one in zip(methods, columns, strict=True):
            results.add("vgg16", method, one, one, metric=metric)
    _, data = slopes(results, models=["vgg16"], methods=methods)
    draws = resampled(np.stack(columns, 1), 0)
    for score, sign in zip(BOTH, (-1, 1), strict=True):
        expected = np.quantile(stats.rankdata(sign * draws, axis=1), [0.025, 0.975], axis=0)
        mine = data[(data["metric"] == score) & (data["protocol"] == "la_channel")]
        np.testing.assert_allclose(mine[["rank_low", "rank_high"]].to_numpy().T, expected)
    assert (data["rank_high"] > data["rank_low"]).any()
    with refused("rank_slopes", "random", "vgg16"):
        slopes(results, models=["vgg16"], methods=["la", "random"])


def test_scores_of_one_metric_are_told_from_those_of_another(results):
    results.add("vgg16", "la", values(0.5), values(0.1))
    results.add("vgg16", "la", values(0.7), values(0.2), metric="la_channel")
    with refused("comes twice"):
        results.found.scores(BOTH)
    assert results.found.scores(BOTH[:1], by="la_channel")["value"].mean() == pytest.approx(values(0.7).mean())


# --- bars ---------------------------------------------------------------------------------------------------------------


def test_bars_have_the_means_of_each_form_and_paired_differences_to_the_first(results):
    forms = {"la": "linear", "la-constraint_constant": "constant"}
    for model in MODELS:
        for shift, (name, constraint) in enumerate(forms.items()):
            results.add(model, name, values(0.5) - 0.1 * shift, values(0.1) + 0.05 * shift, constraint=constraint, steps=20)
    options = {"models": list(MODELS), "methods": list(forms), "metric": "la_insertion_deletion", "images": N}
    figure, data = get("artefact", "grouped_bars").function(results.found, **options)
    sound(figure)
    assert data["form"].drop_duplicates().tolist() == ["constraint linear", "constraint constant"]
    apart = (
        data[data["form"] == "constraint constant"].groupby("metric")[["difference", "difference_low", "difference_high"]].mean()
    )
    assert apart.loc["la_insertion_auc"].tolist() == pytest.approx([-0.1] * 3)  # the same of every image
    assert apart.loc["la_deletion_auc"].tolist() == pytest.approx([0.05] * 3)
    heights = [[bar.get_height() for bar in group] for group in figure.axes[0].containers]
    assert heights == [pytest.approx([values(0.5).mean()] * 4), pytest.approx([values(0.5).mean() - 0.1] * 4)]
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == list(MODELS.values())
    assert figure.axes[1].get_ylabel().endswith("(lower is better)")
    named, _ = get("artefact", "grouped_bars").function(results.found, **options, labels={"la": "x / s"})
    assert [text.get_text() for text in named.legends[0].get_texts()] == ["x / s", "constraint constant"]


def test_settings_that_differ_tell_forms_apart():
    settings = {
        "a": {"s": 20.0, "k": 1, "attack": "both"},
        "b": {"s": 5.0, "k": 1, "attack": "both"},
        "c": {"s": 5.0, "attack": "one"},
    }
    assert told_apart(settings) == {"a": "s 20, k 1, attack both", "b": "s 5, k 1, attack both", "c": "s 5, attack one"}
    assert told_apart({"a": {"s": 1}}) == {"a": ""}


@pytest.mark.parametrize(
    "name, text",
    [("la_as_released", "LA (as released)"), ("fig_as_released-steps5", "FIG (as released, steps 5)"), ("la_ig", "IG")],
)
def test_forms_as_released_are_called_so(name, text):
    assert label(name) == text


# --- sweeps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x, points", [("steps", [1, 2, 4, 8, 16]), ("spatial_range", [2.0, 5.0, 10.0, 20.0, 40.0])])
def test_a_sweep_of_one_parameter_has_a_line_a_method_on_any_axis(results, x, points):
    sweep = [{"name": f"la-{x}{value}", "series": "la", "values": {x: value}} for value in points]
    for number, point in enumerate(sweep):
        results.add("inception_v3", point["name"], values(0.3 + 0.05 * number), values(0.1), gradients=5 * number + 5)
    results.add("inception_v3", "la_ig", values(0.2), values(0.2))
    options = {"models": ["inception_v3"], "sweep": sweep, "metric": "la_insertion_deletion", "images": N, "scores": list(BOTH)}
    figure, data = get("artefact", "sweep_curves").function(results.found, x=x, log=x != "steps", **options)
    sound(figure)
    one = data[data["metric"] == "la_insertion_auc"]
    assert one[x].tolist() == points and one["mean"].tolist() == pytest.approx([values(0.3 + 0.05 * k).mean() for k in range(5)])
    assert one["gradients"].tolist() == [5, 10, 15, 20, 25] and set(data["method"]) == {"la"}
    axis = figure.axes[0]
    assert axis.get_xscale() == ("linear" if x == "steps" else "log") and axis.get_xlabel().startswith(x.replace("_", " "))
    assert [text.get_text() for text in axis.get_xticklabels()] == [f"{value:g}" for value in points]
    figure, data = get("artefact", "sweep_curves").function(results.found, x=x, line="la_ig", line_at=1, **options)
    assert set(data["method"]) == {"la", "la_ig"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["IG", "LA"]


# --- scatter ------------------------------------------------------------------------------------------------------------


def scattered(results, methods):
    names = ("insertion_probability_auc", "deletion_probability_auc")
    for number, method in enumerate(methods):
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": name, "x": np.nan, "value": values(mean, number), "variant": "vanilla"})
            for name, mean in zip((*names, "diffid_probability_auc"), (0.2 + 0.02 * number, 0.2, 0.02 * number), strict=True)
        ]
        own = {"baseline_gradients": 8} if method == "big" else {}
        results.scores(method, pd.concat(parts).assign(gradients=4**number if number else 0, **own), model="vgg16")
    forms = [{"entry": method, "method": method.removeprefix("la_"), "variant": "vanilla", "form": ""} for method in methods]
    forms += [{"entry": "la_ig", "method": "ig", "variant": "valid_references", "form": ""}]
    forms += [{"entry": methods[1], "method": methods[1], "variant": "vanilla", "form": "as_released"}]
    options = {"model": "vgg16", "forms": forms, "metric": "diffid", "images": N}
    return get("artefact", "scatter").function(results.found, **options)


def test_every_method_is_there_once_with_what_it_cost(results):
    methods = ["random", "inputgrad", "la_ig", "big", "la"]
    figure, data = scattered(results, methods)
    sound(figure)
    assert data["entry"].tolist() == methods and data["label"].tolist() == ["Random", "InputGrad", "IG", "BIG", "LA"]
    assert data["cost"].tolist() == [0, 4, 16, 64 + 8, 256]
    assert data["insertion_probability_auc"].iloc[2] == pytest.approx(values(0.24, 2).mean())
    below = figure.axes[1]
    assert below.get_xscale() == "log" and below.get_xticklabels()[0].get_text() == "0"
    assert "lower is better" in figure.axes[0].get_xlabel() and "higher is better" in figure.axes[0].get_ylabel()


def test_names_do_not_cover_one_another_nor_a_point(results):
    """Of 24 methods as close together as they come."""
    methods = [name for name in style.METHODS if not name.startswith(("credible_", "agi_"))][:24]
    figure, data = scattered(results, methods)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for axis, x in ((figure.axes[0], "deletion_probability_auc"), (figure.axes[1], "cost")):
        names = [text for text in axis.texts if text.get_text()]
        assert sorted(text.get_text() for text in names) == sorted(data["label"])
        boxes = [text.get_window_extent(renderer).extents for text in names]
        inside = axis.get_window_extent(renderer)
        assert all(inside.x0 <= box[0] and box[2] <= inside.x1 and inside.y0 <= box[1] and box[3] <= inside.y1 for box in boxes)
        y = data["insertion_probability_auc" if x != "cost" else "diffid_probability_auc"]
        spots = axis.transData.transform(np.column_stack([data[x].clip(lower=ZERO), y]))
        for number, box in enumerate(boxes):
            assert not any(_covered(box, other) for other in boxes[:number])
            assert not any(_covered(box, (*(spot - 1), *(spot + 1))) for spot in spots)


def test_boxes_cover_what_they_share():
    assert _covered((0, 0, 2, 2), (1, 1, 3, 4)) == 1 and _covered((0, 0, 1, 1), (1, 0, 2, 1)) == 0
    assert _covered((0, 0, 4, 4), (1, 1, 2, 3)) == 2
