"""Scores gathered over shards, and their intervals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathattr.scores import collect, intervals, reported, summarise, sweep_points
from pathattr.store import write_table

from .helpers import refused

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "d" * 16


def rows(ids, metric="diffid_auc", variant="vanilla", shift=0.0) -> pd.DataFrame:
    """Scores of some images: one number each."""
    values = [shift + float(name[1:]) for name in ids]
    return pd.DataFrame(
        {"image_id": ids, "metric": metric, "x": np.nan, "value": values, "variant": variant, "gradients": 20 + int(shift)}
    )


@pytest.fixture
def write(tmp_path):
    """Writes scores to their place; files and digests grow with each call."""
    files, digests = [], {}

    def write(method, table, model="vgg", shard="0000000-0000002"):
        path = tmp_path / "results" / "scores" / "photos" / model / method / "diffid" / f"{shard}.parquet"
        write_table(path, table, {"digest": DIGEST})
        files.append(str(path))
        digests[str(path)] = DIGEST
        return files, digests

    return write


def test_scores_are_gathered_in_one_order_whatever_the_files(write):
    write("ig", rows(["i3", "i2"]), shard="0000002-0000004")
    write("ig", rows(["i1", "i0"]), shard="0000000-0000002")
    files, digests = write("eg", rows(["i0", "i1", "i2", "i3"]))
    table = collect(files, digests, ["diffid_auc"])
    assert table["image_id"].tolist() == ["i0", "i1", "i2", "i3"] * 2
    assert table["method"].tolist() == ["eg"] * 4 + ["ig"] * 4
    assert set(table["model"]) == {"vgg"} and set(table["dataset"]) == {"photos"}
    pd.testing.assert_frame_equal(table, collect(files[::-1], digests, ["diffid_auc"]))


def test_only_the_metrics_and_the_variant_asked_for_are_gathered(write):
    parts = [rows(["i0"]), rows(["i0"], metric="other"), rows(["i0"], variant="absolute", shift=5.0)]
    files, digests = write("ig", pd.concat(parts))
    assert collect(files, digests, ["diffid_auc"])["value"].tolist() == [0.0]
    assert collect(files, digests, ["diffid_auc"], "absolute")["value"].tolist() == [5.0]
    assert len(collect(files, digests, ["diffid_auc", "other"])) == 2


def test_a_score_that_comes_twice_is_refused(write):
    write("ig", rows(["i0", "i1"]), shard="0000000-0000002")
    files, digests = write("ig", rows(["i1", "i2"]), shard="0000001-0000003")
    with refused("i1", "ig", "comes twice"):
        collect(files, digests, ["diffid_auc"])


@pytest.mark.parametrize("others", [["i0"], ["i0", "i1", "i2"], ["i0", "i2"]], ids=["fewer", "more", "others"])
def test_methods_measured_on_different_images_are_refused(write, others):
    write("ig", rows(["i0", "i1"]))
    files, digests = write("eg", rows(others))
    with refused("different", "ig", "eg"):
        collect(files, digests, ["diffid_auc"])


def test_models_may_be_measured_on_different_images(write):
    write("ig", rows(["i0", "i1"]))
    files, digests = write("ig", rows(["i5"]), model="resnet")
    assert len(collect(files, digests, ["diffid_auc"])) == 3


def test_a_stale_file_is_refused(write):
    files, digests = write("ig", rows(["i0"]))
    with refused(files[0], "expected other"):
        collect(files, {**digests, files[0]: "other"}, ["diffid_auc"])


def test_a_sweeps_points_come_with_their_gradients_and_scores(write):
    ids = [f"i{number}" for number in range(20)]
    write("ig", rows(ids))
    files, digests = write("ig-steps5", rows(ids, shift=3.0))
    points = [("ig-steps5", "ig", {"steps": 5}), ("ig", "ig", {"steps": 20})]
    table, areas = sweep_points(files, digests, points, ["diffid_auc"], seed=0)
    assert table["series"].tolist() == ["ig", "ig"] and table["values"].tolist() == [{"steps": 5}, {"steps": 20}]
    assert table["gradients"].tolist() == [23, 20] and table["n"].tolist() == [20, 20]
    assert table["mean"].tolist() == pytest.approx([12.5, 9.5])
    assert areas.loc[("ig", "diffid_auc"), "mean"] == pytest.approx(9.5)


def test_intervals_are_those_of_a_known_normal_sample():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=(400, 30))
    low, high = intervals(values, seed=1)
    error = values.std(0, ddof=1) / np.sqrt(400)
    assert ((low < values.mean(0)) & (values.mean(0) < high)).all()
    np.testing.assert_allclose((high - low) / (2 * 1.96 * error), 1.0, atol=0.1)
    assert ((low <= 3.0) & (high >= 3.0)).mean() > 0.8


def test_intervals_are_fixed_by_the_seed():
    values = np.random.default_rng(0).normal(size=(50, 2))
    first, again, other = (np.stack(intervals(values, seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_interval_of_equal_values_is_that_value(count):
    low, high = intervals(np.full((count, 1), 0.25), seed=0)
    assert low == pytest.approx(0.25, rel=1e-12) and high == pytest.approx(0.25, rel=1e-12)


def test_a_summary_has_mean_interval_and_number_of_each_group():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "method": np.repeat(["ig", "eg"], 60),
            "x": np.tile([0.0, np.nan], 60),
            "image_id": np.tile([f"i{number:02d}" for number in range(30)], 4),
            "value": rng.normal(size=120),
        }
    )
    table["image_id"] = [f"{name}-{number}" for number, name in enumerate(table["image_id"])]
    summary = summarise(table, ["method", "x"], seed=0)
    assert len(summary) == 4 and (summary["n"] == 30).all()
    assert ((summary["low"] < summary["mean"]) & (summary["mean"] < summary["high"])).all()
    expected = table[(table["method"] == "ig") & table["x"].isna()]["value"].mean()
    found = summary[(summary["method"] == "ig") & summary["x"].isna()]["mean"].item()
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_summary_does_not_depend_on_order_or_on_what_else_is_summarised():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"method": "ig", "image_id": [f"i{number}" for number in range(40)], "value": rng.normal(size=40)})
    other = table.assign(method="eg", value=rng.normal(size=40))
    fewer = other.iloc[:15].assign(method="lpi")
    alone = summarise(table, ["method"], seed=3)
    among = summarise(pd.concat([fewer, other, table.iloc[::-1]]), ["method"], seed=3)
    among = among[among["method"] == "ig"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among, rtol=1e-12)


def test_groups_over_the_same_images_share_their_resamples():
    """A method that is better by the same amount on every image has the same interval, shifted."""
    values = np.random.default_rng(0).normal(size=(60, 1))
    low, high = intervals(np.concatenate([values, values + 2.0], axis=1), seed=0)
    assert low[1] - low[0] == pytest.approx(2.0) and high[1] - high[0] == pytest.approx(2.0)


TABLE_1 = {  # LPI paper: insertion VGG-16, ResNet-34, deletion VGG-16, ResNet-34
    "random": (0.227, 0.355, 0.227, 0.356),
    "inputgrad": (0.418, 0.487, 0.204, 0.175),
    "ig": (0.425, 0.489, 0.222, 0.425),
    "eg": (0.443, 0.526, 0.180, 0.259),
    "agi": (0.484, 0.531, 0.184, 0.278),
    "lpi": (0.487, 0.547, 0.175, 0.257),
}


def test_the_printed_numbers_of_the_lpi_paper_are_table_1s():
    printed = reported(ROOT / "resources" / "reported" / "lpi-aaai2023.csv", "table1")
    printed = printed.set_index(["method", "metric", "model"])["value"]
    assert len(printed) == 24
    for method, values in TABLE_1.items():
        places = [(metric, model) for metric in ("insertion_auc", "deletion_auc") for model in ("vgg16", "resnet34")]
        assert [printed[(method, *place)] for place in places] == list(values)
