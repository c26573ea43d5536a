"""Means of scores over images, and their intervals."""

import numpy as np
import pandas as pd
import pytest

from pathattr.scores import intervals, resampled, summarise


def test_intervals_are_those_of_a_known_normal_sample():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=(400, 30))
    low, high = intervals(values, seed=1)
    error = values.std(0, ddof=1) / np.sqrt(400)
    assert ((low < values.mean(0)) & (values.mean(0) < high)).all()
    np.testing.assert_allclose((high - low) / (2 * 1.96 * error), 1.0, atol=0.1)
    assert ((low <= 3.0) & (high >= 3.0)).mean() > 0.8


def test_resamples_are_weighted_means_that_all_columns_share():
    values = np.random.default_rng(0).normal(size=(40, 3))
    draws = resampled(values, seed=2)
    weights = resampled(np.eye(40), seed=2)  # of each image in each draw, over their sum
    assert np.allclose(weights.sum(1), 1) and np.allclose(weights * 40, np.rint(weights * 40))
    assert np.allclose(draws, weights @ values)
    assert np.allclose(draws.std(0), values.std(0) / np.sqrt(40), rtol=0.1)


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
