"""Table 2 and Fig. 2 of the Taylor paper, and galleries, on scores and maps made here."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pathattr.artefact.credible import chosen
from pathattr.dataset.split import Split
from pathattr.found import Found
from pathattr.plot import style
from pathattr.plot.pictures import clipped
from pathattr.registry import get

from .test_found import Bench

METHODS = ["random", "inputgrad", "ig", "ig1", "ig2", "ig3"]
N = 20
IDS = [f"i{number:02d}" for number in range(N)]
SHARES = np.linspace(0.1, 0.67, N)  # 8 at most 0.33, 19 at most 0.66, 4 at most 0.2


class Results(Bench):
    """m / n of the images by three metrics: absolute order in the box, signed order, in the object, of half the box's size."""

    def __init__(self, folder):
        super().__init__(folder)
        self.params["models"]["vgg19"] = {"model": "vgg_small", "dataset": "photos", "stands_for": "VGG-19"}
        self.params["reported"] = {"file": "taylor-2020.csv", "names": {"gradient": "inputgrad"}}

    def add(self, method: str, absolute, signed, thing, gradients: int):
        for metric, values, share in (("box", absolute, 1), ("box_signed", signed, 1), ("object", thing, 0.5)):
            scores = {"localised": values, "box_share": SHARES, "region_share": share * SHARES}
            parts = [pd.DataFrame({"image_id": IDS, "metric": name, "value": one}) for name, one in scores.items()]
            table = pd.concat(parts).sort_values("image_id", kind="stable")
            self.scores(method, table.assign(x=np.nan, variant="vanilla", gradients=gradients), model="vgg19", metric=metric)


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.9, N)


@pytest.fixture
def results(tmp_path, monkeypatch):
    bench = Results(tmp_path)
    for number, method in enumerate(METHODS):
        bench.add(method, values(number), values(number + 10), values(number + 20), 20 * number)
    found = bench.found
    printed = [("vgg19", name, f"localisation_accuracy_alpha_le_{limit}_percent", value) for name, limit, value in PRINTED]
    table = pd.DataFrame(printed, columns=["model", "method", "metric", "value"])
    monkeypatch.setattr(found, "reported", lambda name: table)
    return found


PRINTED = [("inputgrad", 33, 39.1), ("ig", 33, 41.8), ("ig3", 33, 47.8), ("inputgrad", 66, 52.8), ("ig", 66, 55.2)]  # Table 2


pytestmark = pytest.mark.usefixtures("styled")


def table_of(found, **options):
    options = {"models": ["vgg19"], "methods": METHODS, "metric": "box", "images": N, "limits": [0.33, 0.66, 0.2]} | options
    return get("artefact", "localisation_table").function(found, **options)


def test_the_table_has_means_over_the_images_within_each_limit_beside_what_is_printed(results):
    data, shown = table_of(results, signed="box_signed", on_object="object", reported="table2")
    at = data.set_index(["block", "method", "limit"]).sort_index()
    for number, method in enumerate(METHODS):
        for block, shift in (("box, absolute order", 0), ("box, signed order", 10), ("object, absolute order", 20)):
            for limit, count in ((0.33, 8), (0.66, 19), (0.2, 4)):
                row = at.loc[(block, method, limit)]
                assert row["n"] == count and row["mean"] == pytest.approx(values(number + shift)[:count].mean())
                assert row["low"] < row["mean"] < row["high"] and row["gradients"] == 20 * number
    assert at.loc[("box, absolute order", "ig3", 0.33), "reported"] == pytest.approx(0.478)
    assert at.loc[("box, absolute order", "inputgrad", 0.66), "reported"] == pytest.approx(0.528)
    assert at.loc[("box, signed order", "ig"), "reported"].isna().all()
    assert np.isnan(at.loc[("box, absolute order", "ig", 0.2), "reported"])
    assert len(data) == 3 * 7 * 3 and len(shown) == 3 * 8


def test_the_floor_is_the_regions_mean_share(results):
    data, shown = table_of(results, on_object="object")
    floor = data[data["method"] == "box_share"].set_index(["block", "limit"])["mean"]
    for limit, count in ((0.33, 8), (0.66, 19), (0.2, 4)):
        assert floor["box, absolute order", limit] == pytest.approx(SHARES[:count].mean())
        assert floor["object, absolute order", limit] == pytest.approx(SHARES[:count].mean() / 2)
    assert data["reported"].isna().all() and not any("printed" in name for name in shown)
    assert set(data["block"]) == {"box, absolute order", "object, absolute order"}


def test_as_it_is_shown(results):
    _, shown = table_of(results, reported="table2")
    assert list(shown) == [
        "model",
        "pixels",
        "method",
        "box at most 33 %",
        "at most 33 %, printed",
        "box at most 66 %",
        "at most 66 %, printed",
        "box at most 20 %",
        "gradients an image",
    ]
    assert shown["method"].tolist() == ["images", "Random", "InputGrad", "IG", "IG1", "IG2", "IG3", "the region's share (floor)"]
    assert shown["box at most 33 %"].iloc[0] == "8" and shown["at most 33 %, printed"].tolist()[2:4] == ["39.1", "41.8"]
    assert shown["box at most 66 %"].iloc[3].startswith(f"{100 * values(2)[:19].mean():.1f} [")
    assert shown["model"].iloc[0] == "VGG-19 (vgg_small, photos)" and shown["gradients an image"].iloc[-1] == ""


def test_images_without_a_box_in_view_are_left_out_and_a_limit_without_images_is_empty(tmp_path):
    bench = Results(tmp_path)
    for method in ("random", "ig"):
        lost = np.where(np.arange(N) == 2, np.nan, values(0))
        bench.add(method, lost, lost, lost, 1)
    data, shown = table_of(bench.found, methods=["random", "ig"], limits=[0.33, 0.05])
    one = data.set_index(["method", "limit"]).sort_index()
    assert one.loc[("ig", 0.33), "n"] == 7 and one.loc[("ig", 0.33), "mean"] == pytest.approx(np.delete(values(0)[:8], 2).mean())
    assert one.loc[("ig", 0.05), "n"] == 0 and np.isnan(one.loc[("ig", 0.05), "mean"])
    assert shown["box at most 5 %"].tolist() == ["0", "", "", ""]


# --- pictures -------------------------------------------------------------------------------------------------------------


class Pictures(Found):
    """What a gallery asks of a `Found`: images and maps of 3 x 16 x 16, every third dark, boxes of 8 x 12, masks of 4 x 12."""

    def __init__(self, count: int = 12):
        pixels = np.random.default_rng(0).integers(0, 255, (count, 3, 16, 16), dtype=np.uint8)
        masks = np.zeros((count, 16, 16), bool)
        masks[:, 4:8, 2:14] = True
        index = pd.DataFrame({"image_id": [f"i{n}" for n in range(count)], "label": np.arange(count) % 10})
        index = index.assign(dark=index.index % 3 == 2, box_x0=2, box_y0=0, box_x1=14, box_y1=8)
        self.params, self.models = {}, {"vgg19": SimpleNamespace(model="vgg_small", dataset="photos", stands_for="VGG-19")}
        self.split = Split(index, lambda position: pixels[position], masks)

    def test(self, _model):
        return self.split

    def map(self, _model, method, row):
        full = {"object": self.split.mask(row), "box": self.split.box(row)}.get(method, np.ones((16, 16))).astype(np.float32)
        return np.stack([full, -full, full])


def test_the_boxed_gallery_has_two_dark_and_two_bright_with_their_shares():
    methods = ["object", "box", "even"]
    figure, data = get("artefact", "boxed_gallery").function(Pictures(), model="vgg19", methods=methods, among=12)
    assert (
        data["position"].tolist() == [row for row in (2, 5, 0, 1) for _ in methods]
        and data["dark"].tolist() == [True] * 6 + [False] * 6
    )
    shares = data.groupby("method")[["share_of_attribution_in_mask", "share_of_attribution_in_box"]].agg(["min", "max"])
    assert shares.loc["object"].tolist() == [1, 1, 1, 1] and shares.loc["box"].tolist() == [0.5, 0.5, 1, 1]
    assert shares.loc["even"].tolist() == [48 / 256] * 2 + [96 / 256] * 2
    texts = [axis.get_xlabel() for axis in figure.axes]
    assert texts.count("object 0.50, box 1.00") == texts.count("object 0.19, box 0.38") == 4
    assert [axis.get_ylabel() for axis in figure.axes[::4]] == ["class 2, dark", "class 5, dark", "class 0", "class 1"]


def test_which_images_are_shown_exactly():
    index = pd.DataFrame({"dark": [0, 1, 1, 1, 0, 0]})
    assert chosen(index, 4, 2, 6, exactly=True) == [1, 2, 0, 4]
    assert chosen(index, 4, 2, 4, exactly=True) == [1, 2, 0]  # there is one bright
    assert chosen(index.drop(columns="dark"), 4, 2, 6, exactly=True) == [0, 1, 2, 3]


@pytest.mark.parametrize("scale", ["absolute", "clipped"])
@pytest.mark.parametrize(("count", "shape"), [(6, (3, 7)), (8, (3, 9)), (9, (6, 6)), (12, (6, 7))])
def test_a_gallery_of_many_methods_goes_on_below(scale, count, shape):
    methods = [f"m{n}" for n in range(count)]
    figure, data = get("artefact", "gallery").function(Pictures(), model="vgg19", methods=methods, images=3, scale=scale)
    assert len(figure.axes) == shape[0] * shape[1] and len(data) == 3 * count
    assert [axis.get_title() for axis in figure.axes if axis.get_title() not in ("", "Input")] == methods
    drawn = [axis for axis in figure.axes if axis.images]
    assert len(drawn) == 3 * count + 3 * (shape[0] // 3)
    assert {axis.images[0].get_cmap().name for axis in drawn[1:2]} == {"gray" if scale == "clipped" else style.SEQUENTIAL}


def test_las_clipping_is_by_its_80th_and_99th_percentile():
    attribution = np.arange(3 * 101, dtype=float).reshape(3, 1, 101) - 101  # channel means 0, ..., 100
    found = clipped(attribution)
    assert found.shape == (1, 101) and (found[0, :81] == 0).all() and (found[0, 99:] == 1).all()
    assert found[0, 85] == pytest.approx(5 / 19)
    assert np.array_equal(clipped(np.full((3, 4, 4), -2.0)), np.zeros((4, 4)))
    assert np.array_equal(clipped(np.stack([attribution[0], -attribution[0]])), np.zeros((1, 101)))  # signs count
