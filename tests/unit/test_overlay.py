"""Configurations laid over one another as Snakemake lays them; entries like another; methods that are dropped."""

import copy
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from pathattr import InputError
from pathattr.config import check, load
from pathattr.overlay import laid
from pathattr.plan import Plan, planned

from .test_config import MISSING, ROOT, SCHEMA, SHIPPED, changed

KEYS = st.sampled_from("abc")
CONFIGS = st.dictionaries(
    KEYS,
    st.recursive(
        st.none() | st.integers(0, 2) | st.just([1]), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
    ),
    max_size=3,
)
OWN = {"like": "methods", "title": "My network", "models": {"network": "vgg_small"}, "defaults": {"images": 7}}


def by_snakemake(base: dict, overlays: list[dict]) -> dict:
    """As Snakemake 9 does: `--configfile` into one configuration, the workflow's own file over that, and that over it again."""
    over = {}
    for one in overlays:
        update_config(over, copy.deepcopy(one))
    config = copy.deepcopy(over)
    update_config(config, copy.deepcopy(base))
    update_config(config, over)
    return config


@settings(deadline=None, max_examples=60)
@given(CONFIGS, st.lists(CONFIGS, max_size=3))
def test_files_are_laid_over_one_another_as_snakemake_does_it(tmp_path_factory, base, overlays):
    folder = tmp_path_factory.mktemp("overlays")
    files = [folder / f"{number}.yaml" for number in range(len(overlays))]
    for file, overlay in zip(files, overlays, strict=True):
        file.write_text(yaml.safe_dump(overlay, sort_keys=False))
    expected = by_snakemake(base, overlays)
    assert json.dumps(laid(files, base)) == json.dumps(expected)  # with the order of the keys


def test_a_plan_of_files_has_the_order_of_snakemakes_configuration(tmp_path):
    """An entry of an overlay that gives the same maps as one of ours comes first, and is the one that is computed."""
    (tmp_path / "own.yaml").write_text("methods:\n  again: {method: ig, steps: 20, variants: [vanilla, per_unit]}\n")
    plan = planned([tmp_path / "own.yaml"], ROOT)
    assert plan.study.owner("ig", "vgg_small") == "again"


# --- like ---------------------------------------------------------------------------------------------------------------


def test_an_entry_like_another_begins_with_it_and_has_its_own_over_it():
    study = load(changed(("papers/own", OWN)), SCHEMA)
    plan = Plan(study, ROOT)
    assert list(study.config["papers"]["own"]["artefacts"]) == list(SHIPPED["papers"]["methods"]["artefacts"])
    assert study.config["papers"]["methods"] == SHIPPED["papers"]["methods"]
    ranking = study.drawn["own", "artefacts", "scores"]
    assert ranking.models == {"network": "vgg_small"} and ranking.values["images"] == 7
    assert study.drawn["own", "artefacts", "gallery"].values["images"] == 6  # its own says so
    assert len(ranking.forms) == len(study.drawn["methods", "artefacts", "scores"].forms)
    scores = [path for path in plan.targets("own") if path.startswith("results/scores/")]
    assert scores and all("/vgg_small/" in path for path in scores)
    assert plan.title("own", "scatter") == plan.title("methods", "scatter") and plan.chapter(Paper("own")) == "My network"


class Paper:
    def __init__(self, paper):
        self.paper = paper


def test_an_entry_may_be_like_one_that_is_like_another_wherever_they_stand():
    first = {"like": "own", "artefacts": {"scatter": None}, "defaults": {"images": 3}}
    config = {**changed(), "papers": {"first": first, "own": OWN, **changed()["papers"]}}
    study = load(config, SCHEMA)
    assert {name for paper, _, name in study.drawn if paper == "first"} == {"gallery", "scores"}
    assert study.drawn["first", "artefacts", "scores"].values["images"] == 3


def test_an_entry_like_a_paper_has_its_claims_and_printed_numbers():
    study = load(changed(("papers/own", {"like": "lpi", "title": "LPI again", "claims": {"c1": None}})), SCHEMA)
    ours, theirs = ({name for paper, section, name in study.drawn if (paper, section) == (one, "claims")} for one in ("own", "lpi"))
    assert ours == theirs - {"c1"} and study.config["papers"]["own"]["reported"] == "lpi-aaai2023"


@pytest.mark.parametrize(
    ("papers", "lines"),
    [
        ({"own": {"like": "method"}}, ["papers.own.like: found 'method'; accepted: methods, lpi", "did you mean methods?"]),
        ({"own": {"like": "own"}}, ["papers.own.like: found 'own', which is like itself; accepted: methods"]),
        ({"own": {"like": 5}}, ["papers.own.like: found 5; accepted: methods"]),
        ({"own": {"like": ["lpi"]}}, ["papers.own.like: found ['lpi']; accepted: methods"]),
        ({"own": {"like": None}}, ["papers.own.like: found None; accepted: methods"]),
        ({"lpi": None, "own": {"like": "lpi"}}, ["papers.own.like: found 'lpi', which is null; accepted: methods, credible"]),
        ({"own": {"like": "methods", "artefact": {}}}, ["papers.own: unknown key 'artefact'", "did you mean artefacts?"]),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_wrong_like_is_told_in_one_line(papers, lines):
    (line,) = check({**changed(), "papers": {**changed()["papers"], **papers}}, SCHEMA)
    assert line.startswith(lines[0]) and lines[-1] in line and "accepted: " in line


def test_a_ring_of_entries_is_told():
    papers = {"a": {"like": "b"}, "b": {"like": "c"}, "c": {"like": "a"}}
    lines = check({**changed(), "papers": {**changed()["papers"], **papers}}, SCHEMA)
    assert lines and all("which is like itself" in line for line in lines)


# --- papers and methods that are left out -------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", SHIPPED["papers"])
def test_any_paper_can_be_left_out(paper):
    assert check(changed((f"papers/{paper}", None)), SCHEMA) == []


@pytest.fixture(scope="module")
def whole():
    return load(changed(), SCHEMA)


@pytest.mark.parametrize("method", SHIPPED["methods"])
def test_any_method_can_be_dropped_and_what_names_it_copes_or_is_left_out(method, whole):
    study = load(changed((f"methods/{method}", None)), SCHEMA)
    assert all(method != base for drawn in study.drawn.values() for base, _ in drawn.forms.values())
    assert set(whole.drawn) - set(study.drawn) == set(study.absent)
    assert set(study.absent.values()) <= {f"methods.{method} is null"}


def test_what_lists_a_dropped_method_shows_the_others_and_what_claims_by_it_is_left_out():
    study = load(changed(("methods/agi", None), ("methods/credible", None)), SCHEMA)
    assert list(study.drawn["lpi", "artefacts", "fig3"].forms) == ["random", "inputgrad", "ig", "eg", "lpi"]
    assert ("lpi", "claims", "c1") not in study.drawn and ("lpi", "claims", "c4") in study.drawn
    assert ("credible", "claims", "c11") not in study.drawn  # it reads the rows of a table that needs credible
    assert list(study.drawn["credible", "artefacts", "fig3"].forms)[:2] == ["random", "credible_ig"]
    assert study.absent["lpi", "claims", "c1"] == "methods.agi is null"
    assert [line.rpartition(": ")[2] for line in study.left_out()] == ["methods.agi is null", "methods.credible is null"]


def test_a_dropped_method_may_still_be_misspelt():
    lines = check(changed(("methods/perturbation_1", None), ("papers/lpi/defaults/methods", ["ig", "perturbation_2"])), SCHEMA)
    assert len(lines) == 1 and "'perturbation_2'" in lines[0] and "did you mean perturbation_patch?" in lines[0]


def test_nothing_is_left_out_where_nothing_is_dropped():
    assert load(changed(), SCHEMA).left_out() == []


# --- one value for all other models ----------------------------------------------------------------------------------------


def test_a_value_for_other_models_is_that_of_those_without_their_own():
    study = load(changed(("papers/own", OWN), ("methods/lpi/neighbourhoods", {"vgg_pairs": 9, "other": 4})), SCHEMA)
    assert [study.method("lpi", model)["neighbourhoods"] for model in ("vgg_pairs", "vgg_small", "resnet_pairs")] == [9, 4, 4]
    lines = check(changed(("papers/own", OWN), ("methods/lpi/neighbourhoods/other", MISSING)), SCHEMA)
    assert [line.partition(";")[0] for line in lines] == [
        "methods.lpi.neighbourhoods: no value for model resnet_pairs",
        "methods.lpi.neighbourhoods: no value for model resnet_small",
    ]


def test_mistakes_of_a_user_end_in_lines(tmp_path):
    for text in (
        "papers: {own: {like: {a: 1}}}\n",
        "papers: [own]\n",
        "papers: {own: 5}\n",
        "methods: {ig: }\npapers: {own: {like: lp}}\n",
    ):
        (tmp_path / "own.yaml").write_text(text)
        with pytest.raises(InputError) as caught:
            planned([tmp_path / "own.yaml"], ROOT)
        assert str(caught.value).startswith("config: papers")
