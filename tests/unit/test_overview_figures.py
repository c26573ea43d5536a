"""The overview's figures, and what marks methods whose scores are to be read with care. The numbers behind them, not pixels."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pathattr.artefact import galleries
from pathattr.dataset.split import Split
from pathattr.files import File
from pathattr.judging import simultaneous
from pathattr.plot import style
from pathattr.plot.pictures import averaged
from pathattr.promise import invented
from pathattr.ranks import flat
from pathattr.registry import get
from pathattr.scores import counts_in, resampled, summarise
from pathattr.store import write_tensors

from .helpers import refused
from .test_found import Bench

N = 24
IDS = [f"i{number:02d}" for number in range(N)]
UP, DOWN = "insertion_probability_auc", "deletion_probability_auc"


def values(mean: float, seed: int = 0) -> np.ndarray:
    return mean + np.random.default_rng(seed).normal(0, 0.05, N)


class Results(Bench):
    """Scores at their places, by two metrics, on a model "resnet"."""

    def __init__(self, folder):
        super().__init__(folder)
        self.params["models"] = {"resnet": {"model": "resnet_small", "dataset": "photos", "stands_for": "ResNet-34"}}
        path = folder / "weights.safetensors"
        write_tensors(path, {"w": np.zeros(1)}, {"digest": "w", "test_accuracy": 0.75})
        self.inputs["accuracy"] = [File(str(path), "w", model="resnet")]
        self.params["metrics"] = {name: {"metric": "diffid", "fractions": 10, "absolute": True} for name in ("diffid", "signed")}

    def add(self, entry, scores: dict, variants=("vanilla",), metric="diffid", model="resnet", **counts):
        """`scores`: name -> values (N,), of each variant the same less its place; `counts`: columns beside, a number or (N,)."""
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": name, "x": np.nan, "value": one - place, "variant": variant})
            for place, variant in enumerate(variants)
            for name, one in scores.items()
        ]
        counts = {"gradients": 20, "forwards": 0, "flat": False, **counts}
        table = pd.concat(parts).assign(**{name: np.resize(one, N * len(parts)) for name, one in counts.items()})
        self.scores(entry, table.sort_values("image_id", kind="stable"), model=model, metric=metric)


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


pytestmark = pytest.mark.usefixtures("styled")


def form(entry, variant="vanilla", method=None, released="") -> dict:
    return {"entry": entry, "method": method or entry, "variant": variant, "form": released}


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


# --- the scoreboard -------------------------------------------------------------------------------------------------------

FORMS = [form("ig"), form("recalibration_eg", method="eg"), form("recalibration_eg", "valid_references", "eg"), form("lpi")]


def board(results, forms=FORMS, scores=None, **options):
    results.add("ig", {UP: values(0.5), DOWN: values(0.2, 1)}, gradients=20)
    results.add("recalibration_eg", {UP: values(2.6), DOWN: values(0.2, 4)}, ("vanilla", "valid_references"), gradients=50)
    results.add("lpi", {UP: values(0.5, 5), DOWN: values(0.1, 6)}, gradients=16, forwards=4)
    options = {"model": "resnet", "forms": forms, "images": N, "scores": scores or {"diffid": [UP, DOWN]}} | options
    return get("artefact", "ranking").function(results.found, **options)


def test_ranks_follow_the_direction_of_each_score_and_rows_their_mean(results):
    figure, data = board(results)
    rows = data.set_index(["entry", "variant", "metric"])
    assert rows.loc[("ig", "vanilla", UP), "direction"] == "higher" and rows.loc[("ig", "vanilla", DOWN), "direction"] == "lower"
    assert rows.loc[("recalibration_eg", "vanilla", UP), "rank"] == 1 and rows.loc[("lpi", "vanilla", DOWN), "rank"] == 2
    assert rows.loc[("recalibration_eg", "valid_references", DOWN), "rank"] == 1  # lower by 1
    for _, own in data.groupby(["entry", "variant"]):
        assert own["mean_rank"].iloc[0] == own["rank"].mean() and own["mean_rank"].nunique() == 1
    assert data["mean_rank"].is_monotonic_increasing
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    order = data.drop_duplicates(["entry", "variant"])
    assert shown == [f"{row.label}  {row.mean_rank:.1f}" for row in order.itertuples()]
    assert {"IG", "EG", "EG, valid references", "LPI"} == set(order["label"])
    assert "mean rank" in texts(figure)
    assert (data["test_accuracy"] == 0.75).all()


def test_means_and_their_intervals_are_those_of_a_summary(results):
    _, data = board(results)
    table = results.found.scores([UP, DOWN])
    expected = summarise(table, ["method", "metric"], 0).set_index(["method", "metric"])
    for row in data[data["variant"] == "vanilla"].itertuples():
        one = expected.loc[(row.entry, row.metric)]
        assert (row.mean, row.low, row.high, row.n) == pytest.approx((one["mean"], one["low"], one["high"], N))


def test_differences_to_a_chosen_method_are_paired_and_hold_together(results):
    """Identical scores differ by nothing; all intervals of both scores are one family."""
    figure, data = board(results, against="ig")
    rows, apart = data.set_index(["entry", "variant", "metric"]), []
    own = {"ig": {UP: values(0.5), DOWN: values(0.2, 1)}, "lpi": {UP: values(0.5, 5), DOWN: values(0.1, 6)}}
    own |= {"recalibration_eg": {UP: values(2.6), DOWN: values(0.2, 4)}}
    for name in (UP, DOWN):
        for one in FORMS:
            apart.append(own[one["entry"]][name] - (one["variant"] != "vanilla") - own["ig"][name])
    apart = np.stack(apart, 1)
    low, high = simultaneous(apart.mean(0), resampled(apart, 0))
    keys = [(one["entry"], one["variant"], name) for name in (UP, DOWN) for one in FORMS]
    assert rows.loc[keys, "difference"].to_numpy() == pytest.approx(apart.mean(0))
    assert rows.loc[keys, "difference_low"].to_numpy() == pytest.approx(low)
    assert rows.loc[keys, "difference_high"].to_numpy() == pytest.approx(high)
    assert rows.loc[("ig", "vanilla", UP), "compared"] == "" and rows.loc[("lpi", "vanilla", UP), "compared"] == "undecided"
    assert rows.loc[("recalibration_eg", "vanilla", UP), "compared"] == "better"
    assert rows.loc[("lpi", "vanilla", DOWN), "compared"] == "better"  # lower, and lower is better
    assert rows.loc[("recalibration_eg", "valid_references", DOWN), "compared"] == "better"
    assert any("differences to IG" in text for text in texts(figure))
    assert {"better than IG", "worse than IG", "undecided"} <= set(texts(figure))


def test_a_method_outside_the_rows_may_be_compared_with(results):
    _, data = board(results, forms=FORMS[1:], against="ig")
    assert "ig" not in set(data["entry"])
    row = data.set_index(["entry", "metric"]).loc[("lpi", DOWN)]
    assert row["difference"] == pytest.approx((values(0.1, 6) - values(0.2, 1)).mean())


def test_scores_of_several_metrics_stand_side_by_side(results):
    """One score of two metrics, which give it other values."""
    for entry in ("ig", "recalibration_eg", "lpi"):
        several = ("vanilla", "valid_references") if entry == "recalibration_eg" else ("vanilla",)
        results.add(entry, {UP: values(0.9, 9)}, several, metric="signed")
    figure, data = board(results, scores={"diffid": [UP], "signed": [UP]})
    assert data.groupby("by").size().to_dict() == {"diffid": 4, "signed": 4} and len(figure.axes) == 3
    assert data.loc[(data["by"] == "signed") & (data["variant"] == "vanilla"), "mean"].tolist() == pytest.approx(
        [values(0.9, 9).mean()] * 3
    )


def test_cost_is_measured_gradients_those_of_baselines_and_forward_passes(results):
    results.add("big", {UP: values(0.4), DOWN: values(0.4)}, gradients=10, met=0.5, baseline_gradients=8)
    _, data = board(results, forms=[*FORMS, form("big")])
    cost = data.drop_duplicates(["entry", "variant"]).set_index(["entry", "variant"])
    assert cost.loc[("lpi", "vanilla"), ["gradients", "forwards"]].tolist() == [16, 4]
    assert cost.loc[("big", "vanilla"), ["gradients", "baseline_gradients", "cost", "met_share"]].tolist() == [10, 8, 18, 0.5]
    assert np.isnan(cost.loc[("ig", "vanilla"), "baseline_gradients"]) and np.isnan(cost.loc[("ig", "vanilla"), "met_share"])
    assert (cost.loc["recalibration_eg", "gradients"] == 50).all()  # its variants come of one pass


def test_images_without_a_value_are_left_out_of_all_rows(results):
    holes = values(0.3)
    holes[:3] = np.nan
    results.add("deeplift", {UP: holes, DOWN: values(0.3)})
    _, data = board(results, forms=[form("ig"), form("deeplift")])
    assert data.set_index(["entry", "metric"])["n"].to_dict() == {
        ("ig", UP): N - 3, ("deeplift", UP): N - 3, ("ig", DOWN): N, ("deeplift", DOWN): N
    }  # fmt: skip
    results.add("fig", {UP: np.full(N, np.nan), DOWN: values(0.3)})
    with refused("ranking", UP):
        get("artefact", "ranking").function(results.found, model="resnet", forms=[form("fig")], images=N, scores={"diffid": [UP]})


def test_a_method_has_the_label_that_the_configuration_gives_it(results):
    results.params["labels"] = {"lpi": "Mine", "ig_long": "IG, 100 steps"}
    results.add("ig_long", {UP: values(0.5), DOWN: values(0.2)})
    _, data = board(results, forms=[*FORMS, form("ig_long", method="ig")])
    assert {"Mine", "IG", "IG, 100 steps"} <= set(data["label"])
    del results.params["labels"]["ig_long"]
    _, data = board(Results(results.folder / "other"), forms=FORMS)
    assert "LPI" in set(data["label"])
    found = results.found
    assert found.labels([form("ig"), form("ig_long", method="ig")]) == ["IG (ig)", "IG (ig_long)"]  # told apart


# --- what marks a method --------------------------------------------------------------------------------------------------


def test_a_map_is_flat_where_no_pixel_differs_from_another():
    maps = np.zeros((4, 3, 5, 5), np.float32)
    maps[1] = 0.7
    maps[2] = np.arange(3)[:, None, None]  # its channels differ, its pixels do not
    maps[3, 1, 2, 2] = 1e-9
    assert flat(maps).tolist() == [True, True, True, False]
    assert not flat(maps[3])


def test_methods_with_flat_maps_or_missed_baselines_have_a_dagger_and_the_note_says_how_many(results):
    results.add("agi", {UP: values(0.3), DOWN: values(0.3)}, flat=[number < 3 for number in range(N)])
    results.add("credible", {UP: values(0.3), DOWN: values(0.3)}, met=0.25)
    figure, data = board(results, forms=[*FORMS, form("agi"), form("credible")])
    labels = data.drop_duplicates("entry").set_index("entry")["label"]
    assert labels["agi"] == "AGI†" and labels["credible"] == "Credible†" and labels["ig"] == "IG"
    assert data.set_index(["entry", "metric"]).loc[("agi", UP), "flat_maps"] == 3
    assert data.loc[data["entry"] == "ig", "flat_maps"].eq(0).all()


def test_the_note_names_what_has_a_dagger_and_nothing_else(results):
    results.add("agi", {UP: values(0.3)}, ("vanilla", "valid_interpolations"), flat=[number < 3 for number in range(N)])
    results.add("credible", {UP: values(0.3)}, met=0.25)
    results.add("ig", {UP: values(0.3)})
    found = results.found
    found.scores([UP], ["vanilla"])
    assert found.note() == ""  # nobody was named
    assert found.label("ig") == "IG" and found.label("agi") == "AGI†" and found.label("credible", text="C") == "C†"
    assert found.label("agi", "valid_interpolations") == "AGI, valid interpolations"  # not read
    assert "AGI 3 of 24" in found.note() and "C 75 %" in found.note() and "IG" not in found.note()
    found.scores([UP], ["valid_interpolations"], methods=["agi"])
    assert found.label("agi", "valid_interpolations").endswith("†")
    assert "AGI, valid interpolations 3 of 24" in found.note()
    assert found.label("ig", also=[("agi", "vanilla")]) == "IG†"


def test_of_several_models_the_note_says_which(results):
    results.params["models"]["vgg"] = results.params["models"]["resnet"]
    results.add("agi", {UP: values(0.3)}, flat=True, model="vgg")
    results.add("agi", {UP: values(0.3)})
    found = results.found
    found.scores([UP])
    assert found.label("agi") == "AGI†" and "AGI on vgg 24 of 24" in found.note() and "resnet" not in found.note()


def test_means_go_with_how_many_maps_are_flat(results):
    results.add("agi", {UP: values(0.3)}, flat=[number < 5 for number in range(N)], met=0.5)
    results.add("ig", {UP: values(0.3)})
    means = summarise(results.found.scores([UP]), ["method"], 0)
    assert means.set_index("method")["flat_maps"].to_dict() == {"agi": 5, "ig": 0}
    assert means["met_share"].iloc[0] == 0.5 and np.isnan(means["met_share"].iloc[1])
    assert counts_in(means) == ["flat_maps", "met_share"] and counts_in(means[["mean"]]) == []


def test_a_note_makes_a_figure_higher_and_leaves_what_is_above_as_it_is(tmp_path):
    for note in ("", "† " + "word " * 80):
        figure, axis = plt.subplots(figsize=(style.PAGE, 2))
        axis.plot([0, 1])
        figure.legend(["a"], loc="outside lower center")
        style.save(figure, tmp_path / f"{len(note)}.png", note=note)
    plain, noted = (plt.imread(tmp_path / f"{size}.png") for size in (0, len(note)))
    assert noted.shape[1] == plain.shape[1] == style.PAGE * 250 and noted.shape[0] > plain.shape[0] + 60
    assert np.abs(noted[:480] - plain[:480]).mean() < 0.01  # the same, but for rounding
    assert (noted[len(plain) :].min(axis=2) < 0.7).any() and (noted[-4:] == 1).all()  # text, and none of it cut off


# --- curves ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off, scale", [((0.4,), "linear"), ((400, -400), "symlog")])
def test_bands_of_removal_curves_lie_inside_and_the_figure_has_one_legend(results, off, scale):
    """Images far off make wide bands."""
    names = ("diffid_output", "diffid_probability")
    for number, entry in enumerate(("ig", "lpi")):
        wild = values(0.1, number)
        wild[: len(off)] = off
        parts = [
            pd.DataFrame({"image_id": IDS, "metric": name, "x": x, "value": wild, "variant": "vanilla"})
            for name in names
            for x in (0.0, 0.5, 1.0)
        ]
        parts += [
            pd.DataFrame({"image_id": IDS, "metric": f"{name}_auc", "x": np.nan, "value": -1e-5, "variant": "vanilla"})
            for name in names
        ]
        table = pd.concat(parts).sort_values("image_id", kind="stable").assign(gradients=1, forwards=0, flat=entry == "lpi")
        results.scores(entry, table, model="resnet")
    options = {"model": "resnet", "methods": ["ig", "lpi"], "metric": "diffid", "images": N, "scores": names}
    figure, data = get("artefact", "removal_curves").function(results.found, **options)
    assert list(data) == ["method", "metric", "delta", "mean", "low", "high", "n", "flat_maps", "auc"]
    for axis, name in zip(figure.axes, names, strict=True):
        part, (low, high) = data[data["metric"] == name], axis.get_ylim()
        assert low < part["low"].min() and part["high"].max() < high and axis.get_legend() is None
        assert axis.get_yscale() == scale and ("logarithmic" in axis.get_ylabel()) == (scale == "symlog")
        assert len([tick for tick in axis.get_yticks() if low < tick < high]) >= 3
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["IG (0.000, 0.000)", "LPI† (0.000, 0.000)"]


def test_figure_1_of_lpi_speaks_of_no_mask_where_there_is_none(monkeypatch):
    with_masks = invented.Invented._split

    def without(found, role, dataset):
        split = with_masks(found, role, dataset)
        return Split(split.index.drop(columns=[name for name in split.index if name.startswith("box")]), split.pixels)

    monkeypatch.setattr(invented.Invented, "_split", without)
    figure, data = invented.drawing("artefact", "references_used").run()
    assert not [text for text in texts(figure) if any(word in text for word in ("mask", "outline", "object"))]
    assert data["share_of_attribution_in_mask"].isna().all()


# --- the gallery ----------------------------------------------------------------------------------------------------------


def test_averaging_keeps_the_mean_and_takes_equal_areas():
    values = np.random.default_rng(0).normal(size=(3, 224, 200))
    small = averaged(values, 54)
    assert small.shape == (3, 54, 48) and small.mean() == pytest.approx(values.mean(), abs=1e-3)
    assert averaged(values, 112)[0, 0, 0] == pytest.approx(values[0, :2, :2].mean())
    assert averaged(np.ones((5, 7)), 3) == pytest.approx(np.ones((2, 3)))
    assert averaged(values, 224) is values


class Pictures:
    """What a gallery asks of a `Found`: speckled maps and images of `size` pixels; the maps of "mfaba" are 0 everywhere."""

    def __init__(self, size: int, masks: bool = True):
        self.size, rng = size, np.random.default_rng(0)
        pixels = rng.integers(0, 255, (8, 3, size, size), dtype=np.uint8)
        index = pd.DataFrame({"image_id": IDS[:8], "label": range(8)})
        inside = np.zeros((8, size, size), bool)
        inside[:, size // 4 : size // 2, size // 4 : size // 2] = True
        self.split = Split(index, lambda position: pixels[position], inside if masks else None)
        self.models = {"resnet": SimpleNamespace(model="resnet_small", dataset="photos", stands_for=None)}

    def test(self, model):
        return self.split

    def map(self, model, entry, position, variant="vanilla"):
        speckle = np.random.default_rng(position).normal(size=(3, self.size, self.size)).astype(np.float32)
        return speckle * (entry != "mfaba")

    def predictions(self, model):
        known = self.split.index.assign(predicted=[0, 1, 2, 3, 4, 5, 6, 0], confidence=0.5, training=model)
        return known[["training", "image_id", "label", "predicted", "confidence"]]

    def class_name(self, model, number):
        return {6: "a long name"}.get(number, str(number))

    def labels(self, forms):
        return [one["entry"] for one in forms]

    def table(self):
        ranks = {"ig": 2.0, "eg": 1.0, "mfaba": 3.0}
        return pd.DataFrame(
            [{"entry": name, "variant": "vanilla", "metric": UP, "mean_rank": rank} for name, rank in ranks.items()]
        )


def gallery(found, entries, images=6, **options):
    forms = [form(name) for name in entries]
    return get("artefact", "sheet").function(found, model="resnet", forms=forms, images=images, **options)


def test_a_gallery_is_in_the_order_of_ranks_or_of_papers():
    _, data = gallery(Pictures(16), ["mfaba", "ig", "lpi", "eg"], order="scores")
    assert data["method"].unique().tolist() == ["eg", "ig", "mfaba", "lpi"]  # the last has no rank
    _, data = gallery(Pictures(16), ["mfaba", "ig", "lpi", "eg"])
    papers = [get("method", name).facts["paper"] for name in data["method"].unique()]
    assert papers == sorted(papers)


def test_under_each_image_stand_its_class_and_what_is_predicted():
    figure, data = gallery(Pictures(16), ["ig", "mfaba"], images=8)
    said = texts(figure)
    assert "class 7\n→ 0\n50 %" in said and "class 3\n→ 3\n50 %" in said
    assert [text for text in said if "class a" in text and "…" in text and "→ a" in text]  # cut to what has room
    assert data.loc[data["image_id"] == IDS[7], ["class", "predicted", "confidence"]].drop_duplicates().to_numpy().tolist() == [
        [7, 0, 0.5]
    ]


def test_maps_without_a_difference_are_named_in_their_cells():
    figure, data = gallery(Pictures(16), ["ig", "mfaba"])
    assert texts(figure).count("flat") == 6 and data.groupby("method")["flat"].sum().to_dict() == {"ig": 0, "mfaba": 6}


@pytest.mark.parametrize("rows, images", [(46, 6), (46, 2), (6, 1), (3, 12), (80, 4)])
def test_a_gallery_fits_on_a_page(rows, images):
    blocks, cell = galleries._cells(rows, images, 1.0)
    assert (galleries.NAMES + images * cell) * blocks <= style.PAGE + 1e-6 and cell > 0.2
    assert (-(-rows // blocks) + 1) * cell + galleries.WORDS + galleries.FOOT <= galleries.TALL + 1e-6


def test_a_gallery_of_large_images_is_below_two_megabytes(tmp_path):
    """46 rows of 6 images of 224 pixels, whose maps are noise: what is hardest to compress."""
    figure, _ = gallery(Pictures(224), ["ig", "eg", "lpi", "agi"] * 11 + ["mfaba"] * 2)
    assert figure.get_size_inches()[0] == style.PAGE and figure.get_size_inches()[1] <= galleries.TALL + 0.01
    pictures = [image.get_array().shape for axis in figure.axes for image in axis.images]
    assert all(max(shape[:2]) < 46 * 70 for shape in pictures)
    paths = [tmp_path / f"gallery.{end}" for end in ("pdf", "png")]
    style.save(figure, *paths)
    assert all(path.stat().st_size < 2e6 for path in paths), [path.stat().st_size for path in paths]


def test_a_data_set_without_masks_has_no_outline():
    figure, _ = gallery(Pictures(16, masks=False), ["ig"])
    assert not any(axis.collections for axis in figure.axes[:1])
    figure, _ = gallery(Pictures(16), ["ig"])
    assert any(axis.collections for axis in figure.axes[:1])
