"""The benchmark's arithmetic, with a clock that the test sets: no time is measured here."""

import math

import pytest
import torch

from pathattr import bench

SECONDS = {
    "a tie within 1 %": ({"ours": (1.0, 1.0, 1.0), "other": (0.995, 0.995, 0.995)}, "ours"),
    "another one is better": ({"ours": (1.0, 1.0, 1.0), "other": (0.9, 0.95, 0.95)}, "other"),
    "one lucky copy": ({"ours": (1.0, 1.0, 1.0), "other": (0.5, 1.1, 1.1)}, "ours"),
    "ours is better": ({"ours": (0.9, 0.9, 0.9), "other": (1.0, 1.0, 1.0)}, "ours"),
}


class Clock:
    """In the place of `bench.seconds`: a work is a list of the seconds that its next calls take."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(bench, "seconds", lambda work, device: work.pop(0))


@pytest.mark.parametrize("name", SECONDS)
def test_the_form_is_ours_unless_another_one_is_better_on_most_of_its_copies(name, monkeypatch):
    copies, expected = SECONDS[name]
    warm_up, noise = 9.0, 3.0  # not counted; not the least of its copy
    Clock(monkeypatch)
    monkeypatch.setattr(bench, "floor", lambda copy, *_: [warm_up, copy, copy + noise, copy])
    assert bench.fastest_form(copies, "ours", (3, 8, 8), 16, "cpu", True) == expected


def test_a_floor_is_what_its_passes_take_right_before_and_after(monkeypatch):
    Clock(monkeypatch)
    floor_of = {True: [2.0, 4.0], False: [0.5, 0.5]}
    taken, least = bench.beside_floor([7.0], 100, 20, floor_of, 10, "cpu")
    assert taken == 7.0 and least == pytest.approx(100 * 3.0 / 10 + 20 * 0.5 / 10)
    assert bench.beside_floor([7.0], 0, 20, {False: [0.5, 0.7]}, 10, "cpu")[1] == pytest.approx(20 * 0.6 / 10)
    assert bench.beside_floor([7.0], 0, 0, {}, 10, "cpu") == (7.0, 0)


def test_ratios_are_of_each_round():
    found = bench.ratios([(1.0, 1.0), (9.0, 3.0), (4.0, 2.0)])
    assert found == {"floor_s": 2.0, "seconds": 4.0, "over_floor": 2.0, "lowest": 1.0, "highest": 3.0}
    assert math.isnan(bench.ratios([(1.0, 0.0)])["over_floor"])


@pytest.mark.parametrize("gradient, calls", [(True, 3), (False, 3)])
def test_a_floor_takes_whole_micro_batches_and_only_what_it_says(gradient, calls):
    seen = []

    class Network:
        def laid_out(self, pixels):
            return pixels

        def __call__(self, pixels):
            seen.append((len(pixels), torch.is_grad_enabled()))
            return pixels.flatten(1)[:, :4]

    bench.floor(Network(), (3, 4, 4), 16, 40, "cpu", gradient)()
    assert seen == [(16, gradient)] * calls
