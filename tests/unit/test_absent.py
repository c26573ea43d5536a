"""Data without training images, labels or masks, and one model in several roles: what can be had is drawn, and the rest told."""

import pytest

from pathattr.config import check, load
from pathattr.plan import Plan

from .test_config import MISSING, SCHEMA, changed
from .test_plan import ROOT

PAPERS = ("lpi", "credible", "recalibration", "local_attribution", "taylor")
FOLDER = {"dataset": "imagefolder", "root": "here", "size": 32}
MODEL = {"architecture": "resnet_small", "weights": "own.safetensors", "mean": [0.5], "std": [0.5], "classes": 10}


def own(data: dict, *edits, **paper) -> dict:
    """The shipped configuration with one paper of its own, on `data`."""
    entry = {"title": "Mine", "models": {"a": "mine", "b": "mine"}, "defaults": {"images": 4, "metric": "diffid"}, **paper}
    given = [("datasets/photos", FOLDER | data), ("models/mine", {**MODEL, "dataset": "photos"}), ("papers", {"own": entry})]
    return changed(*given, *edits)


RANKING = {"artefact": "ranking", "model": "a", "scores": {"diffid": ["diffid_probability_auc"]}}
NO_TRAIN = "needs training images; the data set photos has none"


def test_methods_that_need_training_images_are_left_out_of_a_data_set_without():
    artefacts = {
        "all": {**RANKING, "forms": "all"},
        "some": {"artefact": "gallery", "model": "a", "methods": ["ig", "eg"]},
        "none": {"artefact": "gallery", "model": "a", "methods": ["eg", "lpi"]},
        "hoods": {"artefact": "neighbourhoods", "model": "a", "methods": ["lpi"]},
    }
    claims = {
        "c1": {
            "claim": "paired",
            "says": "so",
            "where": "here",
            "artefacts": ["none", "some"],
            "pairs": [["ig", "eg"]],
            "scores": ["diffid_probability"],
        }
    }
    study = load(own({"train": None}, artefacts=artefacts, claims=claims), SCHEMA)
    drawn = {name: one for (_, _, name), one in study.drawn.items()}
    assert set(drawn) == {"all", "some"}
    assert drawn["some"].values["methods"] == ["ig"] and drawn["some"].left_out == {"eg": NO_TRAIN}
    assert {"lpi", "recalibration_eg"} <= set(drawn["all"].left_out) and {"ig", "random"} <= set(drawn["all"].forms)
    assert study.absent["own", "artefacts", "none"] == f"eg {NO_TRAIN}; lpi {NO_TRAIN}"
    assert study.absent["own", "claims", "c1"] == f"eg {NO_TRAIN}"
    assert "photos has none" in study.absent["own", "artefacts", "hoods"]
    plan = Plan(study, ROOT)
    assert not any("/train" in path for path in plan.results())
    assert f"Left out: eg {NO_TRAIN}." in plan.caption(drawn["some"])
    missing = plan.made[str(plan.summary("own"))].told["missing"]
    assert ["artefacts", "none", "all", f"eg {NO_TRAIN}; lpi {NO_TRAIN}"] in missing and [
        "artefacts",
        "some",
        "eg",
        NO_TRAIN,
    ] in missing


def test_all_methods_are_those_that_fit_a_model_and_one_that_is_named_must_fit():
    hoods = ("methods/lpi/neighbourhoods/other", MISSING)
    every = own({}, hoods, artefacts={"all": {**RANKING, "forms": "all"}})
    assert load(every, SCHEMA).drawn["own", "artefacts", "all"].left_out == {"lpi": "has no value of neighbourhoods for model mine"}
    (line,) = check(own({}, hoods, artefacts={"one": {**RANKING, "forms": ["lpi"]}}), SCHEMA)
    assert line == "methods.lpi.neighbourhoods: no value for model mine; accepted: one a model in use, or one for `other`"


def test_a_data_set_without_labels_is_explained_by_what_is_predicted():
    artefacts = {
        "maps": {"artefact": "gallery", "model": "a", "methods": ["ig"]},
        "sure": {"artefact": "confidence", "models": ["a"], "method": "ig", "over": "random", "score": "diffid_probability_auc"},
    }
    data = {"label": None, "train": None}
    (line,) = check(own(data, artefacts=artefacts), SCHEMA)
    assert line == "target: found label, but the data set photos has no labels; accepted: predicted, or a class"
    (line,) = check(own(data | {"boxes": "there"}, ("target", "predicted"), artefacts=artefacts), SCHEMA)
    assert line.startswith("datasets.photos: found label None, boxes 'there'; accepted: boxes where images have labels")
    study = load(own(data, ("target", "predicted"), artefacts=artefacts), SCHEMA)
    assert study.absent["own", "artefacts", "sure"] == "confidence needs labels; the data set photos has none"
    assert set(study.drawn) == {("own", "artefacts", "maps")}


@pytest.mark.parametrize("data, gone", [({"label": None}, "labels"), ({"train": None}, "training images")])
def test_what_is_trained_needs_labels_and_training_images(data, gone):
    trained = {
        "dataset": "photos",
        "architecture": "resnet_small",
        "weights": "trained",
        "training": {"epochs": 1, "batch_size": 8, "learning_rate": 0.1, "weight_decay": 0.0},
    }
    config = own(
        data,
        ("models/mine", trained),
        ("target", "predicted"),
        artefacts={"maps": {"artefact": "gallery", "model": "a", "methods": ["ig"]}},
    )
    assert check(config, SCHEMA) == [f"models.mine.weights: found trained, but the data set photos has no {gone}"]


def test_a_paper_of_which_nothing_is_left_is_refused_in_one_line():
    config = own({"train": None}, artefacts={"maps": {"artefact": "gallery", "model": "a", "methods": ["eg"]}})
    assert check(config, SCHEMA) == [f"papers.own: nothing of it can be drawn, maps: eg {NO_TRAIN}"]


def test_one_model_in_several_roles_is_shown_once():
    artefacts = {
        "scores": {"artefact": "removal_curves", "model": "b", "methods": ["ig"]},
        "ranks": {
            "artefact": "rank_slopes",
            "methods": ["ig", "random"],
            "second": "diffid_signed",
            "scores": ["diffid_probability_auc"],
        },
        "labels": {"artefact": "randomised_labels_maps", "true_labels": "a", "random_labels": "b", "methods": ["ig"]},
    }
    study = load(own({}, artefacts=artefacts), SCHEMA)
    ranks = study.drawn["own", "artefacts", "ranks"]
    assert ranks.values["models"] == ["a"] and ranks.left_out == {"b": "is mine, as is a"}
    assert study.drawn["own", "artefacts", "labels"].models == {"a": "mine", "b": "mine"}
    other = ("models/other", {**MODEL, "dataset": "photos"})
    study = load(own({}, other, models={"a": "mine", "c": "other", "b": "mine"}, artefacts=artefacts), SCHEMA)
    assert study.drawn["own", "artefacts", "ranks"].values["models"] == ["a", "c"]
    assert study.drawn["own", "artefacts", "scores"].models == {"b": "mine"}


def test_classes_that_cannot_be_read_are_told_with_the_configuration(tmp_path):
    artefacts = {"maps": {"artefact": "gallery", "model": "a", "methods": ["ig"]}}
    (line,) = check(own({"classes": str(tmp_path / "none.txt")}, artefacts=artefacts), SCHEMA)
    assert line.startswith(f"datasets.photos.classes: {tmp_path}/none.txt cannot be read (")
    (tmp_path / "some.txt").write_text("cat\ndog\n")
    study = load(own({"classes": str(tmp_path / "some.txt")}, artefacts=artefacts), SCHEMA)
    assert study.class_names("photos") == {0: "cat", 1: "dog"} and study.class_count("mine") == 10


def test_every_paper_may_be_left_out():
    config = own({}, artefacts={"maps": {"artefact": "gallery", "model": "a", "methods": ["ig"]}})
    config["papers"] |= dict.fromkeys(PAPERS)
    plan = Plan(load(config, SCHEMA), ROOT)
    assert list(plan.config["papers"]) == ["own"] and plan.everything() == [] and plan.results()
