"""What the configuration makes of all methods: families, baselines, what is shown, what cannot be applied."""

import copy

import pytest

from pathattr.config import check, load
from pathattr.plan import Plan
from pathattr.study import Study, shown

from .helpers import refused
from .test_config import ROOT, SCHEMA, SHIPPED, changed

SHARD = "0000000-0000024"
PLACE = "digits_on_photos", "resnet_small"


def problems(*edits) -> list[str]:
    return check(changed(*edits), SCHEMA)


def test_every_registered_method_is_shown_once_in_each_form():
    study = Study(copy.deepcopy(SHIPPED))
    found = [(study.method(name, "resnet_small")["method"], variant, form) for name, variant, form in shown(SHIPPED)]
    assert len(found) == len(set(found))
    assert {
        ("agi", "vanilla", "as_released"),
        ("credible", "vanilla", "as_printed"),
        ("eg", "valid_references", ""),
        ("captum:Occlusion", "vanilla", ""),
    } <= set(found)
    assert ("eg", "vanilla", "") in found and "absolute" not in {variant for _, variant, _ in found}


def test_the_variants_of_a_method_come_of_one_pass():
    """So that vanilla and its re-calibrated forms took the same gradients."""
    entries = {}
    for name, variant, form in shown(SHIPPED):
        entries.setdefault((SHIPPED["methods"][name].get("method", name), form), {})[variant] = name
    assert all(len(set(own.values())) == 1 for own in entries.values())
    assert entries["eg", ""] == dict.fromkeys(("vanilla", "valid_interpolations", "valid_references"), "recalibration_eg")
    assert set(entries["ig", ""].values()) == {"ig"} and set(entries["ig_uniform", ""].values()) == {"ig_uniform"}  # its own name
    without = changed(("methods/eg_new", {"method": "eg", "variants": ["valid_interpolations", "valid_references"]}))
    without["methods"].pop("recalibration_eg"), without["methods"].pop("small_eg")
    assert [one for one in shown(without) if one[0].startswith("eg")] == [("eg", "vanilla", "")]  # what is plain is there


def test_what_is_shown_does_not_depend_on_the_order_of_entries():
    backwards = changed()
    backwards["methods"] = dict(reversed(backwards["methods"].items()))
    assert shown(backwards) == shown(SHIPPED)
    assert ("ig", "vanilla", "") in shown(SHIPPED)  # the entry of the method's own name, not recalibration_ig


def test_a_new_entry_is_shown():
    assert ("another", "vanilla", "as_released") not in shown(SHIPPED)
    extra = changed(("methods/inputgrad_loss", {"method": "captum:Saliency"}))
    assert set(shown(extra)) - set(shown(SHIPPED)) == {("inputgrad_loss", "vanilla", "")}
    again = {"method": "ig", "steps": 100}
    assert shown(changed(("methods/ig_long", again))) == shown(SHIPPED)  # the method is there
    named = shown(changed(("methods/ig_long", again | {"label": "IG, 100 steps"})))
    assert set(named) - set(shown(SHIPPED)) == {("ig_long", "vanilla", "")}


def test_a_label_changes_what_is_drawn_and_no_map():
    def files(*edits):
        plan = Plan(load(changed(*edits), SCHEMA), ROOT)
        drawn = plan.artefact("lpi", "fig3")
        return plan.maps(*PLACE, "lpi", SHARD).digest, drawn.digest, plan.made[str(drawn)].told.get("labels")

    (maps, figure, labels), (same, other, named) = files(), files(("methods/lpi/label", "Mine"))
    assert maps == same and figure != other and labels is None and named == {"lpi": "Mine"}


@pytest.mark.parametrize(
    "method, model, architecture",
    [("deeplift", "resnet_small", "torchvision.maxvit_t"), ("lrp_epsilon", "resnet_small", "torchvision.vit_b_16")],
)
def test_a_method_without_a_rule_for_attention_is_left_out_before_anything_runs(method, model, architecture):
    assert problems((f"models/{model}/architecture", architecture)) == []
    study = Study(changed((f"models/{model}/architecture", architecture)))
    drawn = [one for one in study.drawn.values() if model in one.models.values() and method in one.forms]
    assert drawn
    for one in drawn:
        for key in (key for key, name in one.models.items() if name == model):
            assert one.not_applicable[key][method] == f"no rule for the attention blocks of {architecture}"
            assert method in one.without(key) and "ig" not in one.without(key)


def test_other_architectures_of_torchvision_have_a_rule():
    for name in ("resnet50", "vgg16", "densenet121", "inception_v3"):
        assert problems(("models/resnet_small/architecture", f"torchvision.{name}")) == []


MISTAKES = [
    (("methods/occlusion/method", "captum"), ("methods.occlusion", "'captum'", "captum:NAME")),
    (("methods/occlusion/method", "captum:"), ("methods.occlusion", "captum:NAME")),
    (("methods/ig/method", "ig:x"), ("methods.ig", "'ig:x'")),
    (("methods/credible/baseline", "grey"), ("methods.credible.baseline", "'grey'", "boundary, compute_baseline, constant")),
    (("methods/credible/radii", [1.0]), ("methods.credible", "'radii'", "blurs")),
    (("methods/credible/blurs", [1.0, "x"]), ("methods.credible.blurs.1", "'x'", "a finite number")),
    (("methods/credible/iterations", 0), ("methods.credible.iterations", "0", "at least 1")),
    (("methods/la/objective", "logit"), ("methods.la.objective", "logit", "log_probability, probability")),
    (("methods/deeplift/objective", "probability"), ("methods.deeplift.objective", "probability", "logit")),
    (("methods/la/attack", "none"), ("methods.la.attack", "'none'", "both, targeted, untargeted")),
    (("methods/ig/variants", ["valid_references"]), ("methods.ig.variants", "valid_references", "vanilla, absolute, per_unit")),
    (("papers/methods/defaults/forms", ["nope"]), ("papers.methods.defaults.forms", "'nope'", "random, inputgrad")),
    (("papers/methods/defaults/forms", ["ig:absolute"]), ("papers.methods.artefacts", "absolute of ig", "vanilla")),
    (("papers/methods/artefacts/scores/images", 401), ("papers.methods.artefacts.scores.images", "401", "400")),
    (("papers/methods/artefacts/scores/scores", {"difid": ["x"]}), ("artefacts.scores.scores", "'difid'", "did you mean diffid?")),
    (("papers/methods/artefacts/scores/scores", {"diffid": ["rise_auc"]}), ("scores.scores.diffid", "'rise_auc'", "diffid_output")),
    (("papers/methods/artefacts/scores/scores", {"diffid": []}), ("scores.scores.diffid", "[]", "at least 1 long")),
    (("papers/methods/artefacts/scores/against", "igg"), ("artefacts.scores.against", "'igg'", "did you mean")),
    (("papers/methods/artefacts/gallery/order", "score"), ("artefacts.gallery.order", "'score'", "did you mean scores?")),
    (("methods/ig/label", 3), ("methods.ig.label", "3")),
]


@pytest.mark.parametrize("edit, words", MISTAKES, ids=lambda part: part[0] if isinstance(part[0], str) and "/" in part[0] else "")
def test_mistakes_are_one_line_that_says_what_is_accepted(edit, words):
    lines = problems(edit)
    assert len(lines) == (2 if edit[1] == ["ig:absolute"] else 1), lines  # in two artefacts
    assert all(word in lines[0] for word in words), lines[0]


def test_baselines_are_those_of_the_first_entry_that_computes_them_alike():
    config = changed(("methods/other", {**SHIPPED["methods"]["credible"], "method": "credible", "steps": 33}))
    plan = Plan(load(config, SCHEMA), ROOT)
    mine, other = (plan.baselines(*PLACE, name, SHARD) for name in ("credible", "other"))
    assert mine == other and mine.digest == other.digest and "/credible/" in mine
    assert plan.maps(*PLACE, "credible", SHARD).digest != plan.maps(*PLACE, "other", SHARD).digest


def test_a_parameter_of_the_baselines_changes_them_and_their_maps_and_no_other():
    def digests(*edits):
        plan = Plan(Study(changed(*edits)), ROOT)
        files = [plan.baselines(*PLACE, name, SHARD) for name in ("credible", "big")]
        files += [plan.maps(*PLACE, name, SHARD) for name in ("credible", "big", "ig", "occlusion")]
        return {str(file): file.digest for file in files}

    before = digests()
    for edit, kinds in (
        (("methods/credible/delta", 0.03), ("baselines/", "maps/")),
        (("methods/credible/steps", 90), ("maps/",)),
    ):
        after = digests(edit)
        changes = [path for path in before if before[path] != after[path]]
        assert changes and all("/credible/" in path for path in changes)
        assert {kind for kind in ("baselines/", "maps/") if any(kind in path for path in changes)} == set(kinds)
    changes = {path for path, digest in digests(("methods/occlusion/strides", [3, 8, 8])).items() if digest != before[path]}
    assert changes == {path for path in before if "/occlusion/" in path}


def test_parameters_of_method_and_baseline_share_no_name():
    from pathattr import source

    for known in source.registered("method").values():
        if known.facts.get("baseline"):
            for way in source.registered("baseline").values():
                names = {parameter.name for parameter in known.parameters}
                assert not names & {parameter.name for parameter in way.parameters}, (known.name, way.name)


def test_a_method_not_in_the_configuration_is_refused():
    with refused("'nonsense'"):
        Study(copy.deepcopy(SHIPPED)).method("nonsense", "resnet_small")


def test_a_default_and_the_same_value_written_out_are_one():
    """The credible method as printed shares the baselines of the method itself, whose blurs are written out."""
    plan = Plan(load(changed(), SCHEMA), ROOT)
    assert plan.baselines(*PLACE, "credible", SHARD) == plan.baselines(*PLACE, "credible_as_printed", SHARD)


def test_a_form_may_change_a_parameter_of_the_baselines():
    """Its tolerance doubled: maps and baselines of its own; the default written out: the entry itself."""
    study = load(changed(), SCHEMA)
    name = study.point("credible", {"tolerance": 0.14}, "resnet_small")
    assert name == "credible-tolerance0.14" and study.baseline(name, "resnet_small")["tolerance"] == 0.14
    assert study.point("credible", {"tolerance": 0.07}, "resnet_small") == "credible"
    plan = Plan(study, ROOT)
    assert plan.baselines(*PLACE, name, SHARD).digest != plan.baselines(*PLACE, "credible", SHARD).digest
