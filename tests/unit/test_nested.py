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

NESTED = [(entry, name) for entry in entries("method") for name in entry.facts["nested"]]
SMALL = {"references": 5, "steps": 6, "targets": 4, "attack": "both"}  # a run
FEWER = {"references": 3, "steps": 3, "targets": 2, "attack": "targeted"}  # and what it is cut to
DRAWS_NEST = ["ig_uniform", "ig_sg", "ig_sq", "ig3", "credible", "la"]  # the first of more references, or steps, are those of fewer
NEST = [(entry, name) for entry, name in NESTED if entry.name in DRAWS_NEST]


def run(method, case, **options):
    entry = get("method", method)
    given = case.of(entry) | dict(ids=case.ids)
    return attribute_counted(method, case.classifier, case.x, case.target, **given, **options)


@pytest.mark.parametrize("entry, name", NESTED, ids=[f"{entry.name}-{name}" for entry, name in NESTED])
def test_smaller_values_come_without_a_gradient_of_their_own(entry, name, smooth):
    values = {key: SMALL[key] for key in entry.facts["nested"]}
    alone, cost = run(entry.name, smooth, **values)
    nested, counted = run(entry.name, smooth, **values, upto={name: [FEWER[name]]})
    pd.testing.assert_series_equal(counted["gradients"], cost["gradients"])
    for variant in entry.facts["variants"]:
        assert torch.equal(nested[variant], alone[variant])  # the run itself is the same, bit for bit
        assert not torch.equal(nested[f"{variant}@{name}={FEWER[name]}"], nested[variant])


@pytest.mark.parametrize("entry, name", NEST, ids=[f"{entry.name}-{name}" for entry, name in NEST])
def test_a_part_is_what_a_shorter_run_gives(entry, name, smooth):
    values = {key: SMALL[key] for key in entry.facts["nested"]}
    nested, kept = run(entry.name, smooth, **values, upto={name: [FEWER[name]]})
    shorter, alone = run(entry.name, smooth, **values | {name: FEWER[name]})
    for variant in entry.facts["variants"]:
        part = f"{variant}@{name}={FEWER[name]}"
        assert_close(nested[part], shorter[variant], 1e-5)
        if variant in alone:
            assert_close(kept[part], alone[variant])


def test_targeted_and_untargeted_parts_make_the_whole(smooth):
    maps, _ = run("la", smooth, steps=3, targets=4, upto={"attack": ["targeted", "untargeted"]})
    targeted, untargeted = (maps[f"vanilla@attack={kind}"] for kind in ("targeted", "untargeted"))
    assert_close(maps["vanilla"], (4 * targeted + untargeted) / 5)


def test_ig1_and_ig2_are_parts_of_ig_and_ig3(smooth):
    """Taylor paper, section 4: IG1 is IG without its displacement, IG2 is IG3 with one draw; a run of the other gives both."""
    ig, cost = run("ig", smooth, steps=4)
    ig1, own = run("ig1", smooth, steps=4)
    assert torch.equal(ig["per_unit"], ig1["vanilla"])
    assert_close(ig["vanilla"], smooth.x * ig1["vanilla"])  # from black the displacement is the image
    assert (cost["gradients"] == 4).all() and (own["gradients"] == 4).all()
    ig3, cost = run("ig3", smooth, steps=4, references=3, upto={"references": [1]})
    ig2, _ = run("ig2", smooth, steps=4)
    assert_close(ig3["vanilla@references=1"], ig2["vanilla"], 1e-5)
    assert (cost["gradients"] == 12).all()


def test_values_that_are_no_part_of_the_run_are_refused(smooth):
    for upto in ([20], [0], [2.0]):
        with refused("ig_uniform: ", "references"):
            run("ig_uniform", smooth, references=5, upto={"references": upto})
    with refused("inputgrad: upto", "no nested parameter"):
        run("inputgrad", smooth, upto={"references": [2]})
    with refused("la: attack", "targeted, untargeted"):
        run("la", smooth, upto={"attack": ["neither"]})
    with refused("la: upto attack is 'targeted'", "it is 'untargeted'"):
        run("la", smooth, attack="untargeted", upto={"attack": ["targeted"]})
    with refused("la: upto", "not as released"):
        run("la", smooth, as_released=True, upto={"steps": [2]})
    for entry, words in (
        ({"method": "ig_uniform", "references": 4, "upto": {"references": [4]}}, "below its references, 4"),
        ({"method": "ig_uniform", "references": 4, "upto": {"references": ["one"]}}, "found 'one'"),
        ({"method": "ig_uniform", "references": 4, "upto": {"steps": [1]}}, "accepted: references"),
        ({"method": "ig", "upto": {"steps": [4]}}, "none"),
        ({"method": "la", "attack": "targeted", "upto": {"attack": ["untargeted"]}}, "where attack is 'both'"),
        ({"method": "la", "as_released": True, "upto": {"steps": [1]}}, "as released"),
    ):
        (line,) = check(changed(("methods/own", entry)), SCHEMA)
        assert line.startswith("methods.own.upto") and words in line


def test_a_form_within_a_run_has_no_file_of_its_own():
    plan = Plan(load(changed(), SCHEMA), ROOT)
    files = plan._job("figure", ("recalibration", "fig7")).inputs["scores"]
    assert len({str(file) for file in files}) == 1  # of ig_uniform_many, for four numbers of references
    assert [file.about["within"] for file in files] == ["@references=2", "@references=5", "@references=10", ""]


def test_an_entry_that_is_a_map_of_another_has_no_file_of_its_own():
    ours = [("methods/ig/variants", ["vanilla", "per_unit"]), ("methods/ig1", {"steps": 20})]
    ours += [("methods/ig3", {"references": 4, "steps": 5, "upto": {"references": [1]}}), ("methods/ig2", {"steps": 5})]
    study = Plan(load(changed(*ours), SCHEMA), ROOT).study
    assert [(study.owner(name, "vgg_small"), study.within(name, "vgg_small")) for name in ("ig1", "ig2", "ig", "ig3")] == [
        ("ig", "per_unit"),
        ("ig3", "@references=1"),
        ("ig", ""),
        ("ig3", ""),
    ]
    other = Plan(load(changed(*ours, ("methods/ig1", {"steps": 21})), SCHEMA), ROOT).study
    assert (other.owner("ig1", "vgg_small"), other.within("ig1", "vgg_small")) == ("ig1", "")
