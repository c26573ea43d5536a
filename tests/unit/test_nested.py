"""Runs that give the maps of smaller values of a parameter besides, from the same gradients."""

import pandas as pd
import pytest
import torch

from pathattr.api import attribute_counted
from pathattr.config import check, load
from pathattr.plan import Plan
from pathattr.registry import entries, get

from .helpers import assert_close, refused
from .test_config import ROOT, SCHEMA, changed

NESTED = [entry for entry in entries("method") if entry.facts["nested"]]
SMALL = {"references": 5, "steps": 6}  # a run, and below how many references or steps it is cut


def run(entry, case, **options):
    given = case.of(entry) | dict(ids=case.ids, variants=entry.facts["variants"])
    return attribute_counted(entry.name, case.classifier, case.x, case.target, **given, **options)


@pytest.mark.parametrize("entry", NESTED, ids=lambda entry: entry.name)
def test_smaller_values_come_without_a_gradient_of_their_own(entry, smooth):
    name = entry.facts["nested"]
    whole, fewer = SMALL[name], 3
    alone, cost = run(entry, smooth, **{name: whole})
    nested, counted = run(entry, smooth, **{name: whole}, upto=[fewer])
    pd.testing.assert_series_equal(counted["gradients"], cost["gradients"])
    for variant in entry.facts["variants"]:
        assert torch.equal(nested[variant], alone[variant])  # the run itself is the same, bit for bit
        assert not torch.equal(nested[f"{variant}@{fewer}"], nested[variant])


@pytest.mark.parametrize("method", ["ig_uniform", "ig_sg", "ig_sq", "credible"])
def test_a_part_is_what_a_shorter_run_gives(method, smooth):
    """Where draws nest: the first of more references, or of more steps, are those of fewer."""
    entry = get("method", method)
    name = entry.facts["nested"]
    nested, kept = run(entry, smooth, **{name: SMALL[name]}, upto=[3])
    shorter, alone = run(entry, smooth, **{name: 3})
    for variant in entry.facts["variants"]:
        assert_close(nested[f"{variant}@3"], shorter[variant], 1e-5)
        if variant in alone:
            assert_close(kept[f"{variant}@3"], alone[variant])


def test_values_that_are_no_part_of_the_run_are_refused(smooth):
    for upto in ([20], [0], [2.0]):
        with refused("ig_uniform: upto", "below its references, 5"):
            attribute_counted("ig_uniform", smooth.classifier, smooth.x, smooth.target, references=5, upto=upto)
    with refused("inputgrad: upto", "no nested parameter"):
        attribute_counted("inputgrad", smooth.classifier, smooth.x, smooth.target, upto=[2])
    for entry, words in (
        ({"method": "ig_uniform", "references": 4, "upto": [4]}, "below its references, 4"),
        ({"method": "ig", "upto": [4]}, "none"),
    ):
        (line,) = check(changed(("methods/own", entry)), SCHEMA)
        assert line.startswith("methods.own.upto:") and words in line


def test_a_form_within_a_run_has_no_file_of_its_own():
    plan = Plan(load(changed(), SCHEMA), ROOT)
    files = plan._job("figure", ("recalibration", "fig7")).inputs["scores"]
    assert len({str(file) for file in files}) == 1  # of ig_uniform_many, for four numbers of references
    assert [file.about["upto"] for file in files] == [2, 5, 10, None]
