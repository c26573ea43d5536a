"""The configuration: what is refused, in which words, and what a name means."""

import copy
import itertools
import re
from pathlib import Path

import pytest
import yaml

from pathattr import config as configuration
from pathattr.config import check, load
from pathattr.overlay import merged
from pathattr.shards import cover, shard_range
from pathattr.study import Study

from .helpers import refused

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "resources" / "config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))
MISSING = object()  # in place of a value: take the key away


def changed(*edits) -> dict:
    """The shipped configuration with (path, value) edits."""
    result = copy.deepcopy(SHIPPED)
    for path, value in edits:
        *parents, last = path.split("/")
        place = result
        for key in parents:
            place = place[key]
        if value is MISSING:
            del place[last]
        else:
            place[last] = value
    return result


@pytest.fixture
def study():
    return load(copy.deepcopy(SHIPPED), SCHEMA)


def test_the_shipped_configuration_is_valid():
    assert check(copy.deepcopy(SHIPPED), SCHEMA) == []


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.stem)
def test_the_other_configurations_are_valid_over_it(path):
    assert check(merged(SHIPPED, yaml.safe_load(path.read_text())), SCHEMA) == []


def test_a_check_changes_nothing():
    config = copy.deepcopy(SHIPPED)
    load(config, SCHEMA)
    assert config == SHIPPED


# path, value, what the one line must say: the key, what was found, what is accepted
MISTAKES = [
    ("sed", 1, ("top level", "'sed'", "accepted: seed, device")),
    ("seed", "zero", ("seed:", "'zero'", "a whole number, at least 0")),
    ("seed", -1, ("seed:", "-1", "a whole number, at least 0")),
    ("seed", 2**32, ("seed:", "4294967296", "at most")),
    ("seed", MISSING, ("seed missing",)),
    ("device", "gpu", ("device:", "'gpu'", "cpu, cuda")),
    ("micro_batch", 24, ("micro_batch:", "24", "a multiple of 16")),
    ("micro_batch", 0, ("micro_batch:", "0", "at least 16")),
    ("micro_batch", 32.0, ("micro_batch:", "32.0", "a whole number")),
    ("maps_dtype", "float64", ("maps_dtype:", "'float64'", "float32, float16")),
    ("background_images", 0, ("background_images:", "0", "a whole number or null, at least 1")),
    ("threads/compute", "all", ("threads.compute:", "'all'", "a whole number, at least 1")),
    ("threads/train", MISSING, ("threads:", "train missing")),
    ("methods/nope", {}, ("methods.nope:", "'nope'", "accepted: agi, attexplore, big")),
    ("methods/random", 5, ("methods.random:", "5", "a mapping or null")),
    ("methods/agi_as_released/method", "nope", ("methods.agi_as_released:", "'nope'", "accepted: agi, attexplore, big")),
    ("methods/Bad-Name", {"method": "ig"}, ("methods:", "'Bad-Name'", "^[a-z0-9_]+$")),
    ("methods/ig/stepz", 3, ("methods.ig:", "'stepz'", "accepted: steps, rule, baseline")),
    ("methods/ig/steps", "many", ("methods.ig.steps:", "'many'", "a whole number, at least 1")),
    ("methods/ig/steps", 0, ("methods.ig.steps:", "0", "a whole number, at least 1")),
    ("methods/ig/steps", 4.0, ("methods.ig.steps:", "4.0", "a whole number")),
    ("methods/ig/steps", True, ("methods.ig.steps:", "True", "a whole number")),
    ("methods/ig/rule", "left", ("methods.ig.rule:", "'left'", "midpoint, right, trapezoid")),
    ("methods/ig/objective", "margin", ("methods.ig.objective:", "'margin'", "logit, probability, log_probability, loss")),
    ("methods/ig/variants", ["valid_references"], ("methods.ig.variants:", "valid_references", "vanilla, absolute")),
    ("methods/ig/variants", ["signed"], ("methods.ig.variants", "'signed'", "vanilla, absolute, valid_interpolations")),
    ("methods/ig/variants", [], ("methods.ig.variants", "[]", "a list, at least 1 long")),
    ("methods/agi_as_released/as_released", "yes", ("methods.agi_as_released.as_released:", "'yes'", "true or false")),
    (
        "methods/lpi/neighbourhoods",
        {"vgg_pairs": 9, "resnet_small": 7},
        ("methods.lpi.neighbourhoods:", "resnet_pairs", "one a model in use"),
    ),
    ("methods/lpi/neighbourhoods/alexnet", 3, ("methods.lpi.neighbourhoods.alexnet:", "'alexnet'", "vgg_pairs, resnet_pairs")),
    ("methods/lpi/neighbourhoods/vgg_pairs", 0, ("methods.lpi.neighbourhoods.vgg_pairs:", "0", "at least 1")),
    ("metrics/nope", {}, ("metrics.nope:", "'nope'", "accepted: diffid")),
    ("metrics/diffid/absolute", 1, ("metrics.diffid.absolute:", "1", "true or false")),
    ("datasets/digits/dataset", "nope", ("datasets.digits:", "'nope'", "digits_on_photos, imagefolder, parquet, torchvision")),
    ("datasets/digits/dataset", MISSING, ("datasets.digits:", "dataset missing")),
    ("datasets/digits/sise", 16, ("datasets.digits:", "'sise'", "accepted: size, train, test")),
    ("datasets/own", {"dataset": "imagefolder"}, ("datasets.own:", "root missing", "text")),
    ("models/vgg_pairs/dataset", "nope", ("models.vgg_pairs.dataset:", "'nope'", "digits_on_photos, digits")),
    (
        "models/vgg_pairs/architecture",
        "alexnet",
        ("models.vgg_pairs.architecture:", "'alexnet'", "torchvision.NAME", "FILE.py:FUNCTION"),
    ),
    ("models/vgg_pairs/architecture", "torchvision", ("models.vgg_pairs.architecture:", "'torchvision'", "torchvision.NAME")),
    ("models/vgg_pairs/weights", "published", ("models.vgg_pairs.weights:", "'published'", "trained or the path of a file")),
    ("models/vgg_pairs/weights", "own.pth", ("models.vgg_pairs:", "mean and std missing", "a number a channel")),
    ("models/vgg_pairs/training", MISSING, ("models.vgg_pairs:", "training missing", "a mapping")),
    ("models/vgg_pairs/training/epochs", 0, ("models.vgg_pairs.training.epochs:", "0", "at least 1")),
    ("models/vgg_pairs/std", [0], ("models.vgg_pairs.std.0:", "0", "above 0")),
    ("papers/lpi/defaults/images", 401, ("papers.lpi.defaults.images:", "401", "at most the 400 test images of digit")),
    ("papers/lpi/defaults/images", 0, ("papers.lpi.defaults.images:", "0", "at least 1")),
    ("papers/lpi/defaults/image", 3, ("papers.lpi.defaults:", "'image'", "images")),
    ("papers/lpi/models/vgg16", "nope", ("papers.lpi.models.vgg16:", "'nope'", "vgg_pairs, resnet_pairs")),
    ("papers/lpi/models", {}, ("papers.lpi.models:", "{}", "at least 1 key")),
    ("papers/lpi/title", MISSING, ("papers.lpi:", "title missing")),
    ("papers/lpi/reported", "nope", ("papers.lpi.reported:", "'nope'", "lpi-aaai2023")),
    (
        "papers/lpi/defaults/methods",
        ["ig", "eg", "lpi", "nope"],
        ("papers.lpi.defaults.methods:", "'nope'", "random, inputgrad, ig"),
    ),
    ("papers/lpi/defaults/metric", "nope", ("papers.lpi.defaults.metric:", "'nope'", "diffid, diffid_signed, rise")),
    (
        "papers/lpi/artefacts/fig3/artefact",
        "nope",
        ("papers.lpi.artefacts.fig3.artefact:", "'nope'", "accepted: ", "budget_curves"),
    ),
    ("papers/lpi/artefacts/fig3/artefact", MISSING, ("papers.lpi.artefacts.fig3:", "artefact missing")),
    ("papers/lpi/artefacts/fig3/modle", "vgg16", ("papers.lpi.artefacts.fig3:", "'modle'", "model, methods, metric")),
    ("papers/lpi/artefacts/fig3/model", "vgg19", ("papers.lpi.artefacts.fig3.model:", "'vgg19'", "vgg16, resnet34")),
    ("papers/lpi/artefacts/fig3/model", MISSING, ("papers.lpi.artefacts.fig3:", "model missing", "text")),
    ("papers/lpi/artefacts/fig3/scores", ["nope"], ("papers.lpi.artefacts.fig3.scores:", "'nope'", "diffid_output")),
    ("papers/lpi/artefacts/fig3/variants", ["signed"], ("papers.lpi.artefacts.fig3.variants.0:", "signed", "vanilla, absolute")),
    ("papers/lpi/artefacts/fig5/images", 401, ("papers.lpi.artefacts.fig5.images:", "401", "at most the 400")),
    ("papers/lpi/artefacts/fig2/points", "all", ("papers.lpi.artefacts.fig2.points:", "'all'", "a whole number, at least 1")),
    ("papers/lpi/artefacts/fig2/title", 2, ("papers.lpi.artefacts.fig2.title:", "2", "text")),
    ("papers/lpi/artefacts/fig6l/sweep/nope", {"steps": [1]}, ("papers.lpi.artefacts.fig6l.sweep:", "'nope'", "random, inputgrad")),
    ("papers/lpi/artefacts/fig6l/sweep/ig", {"stepz": [1]}, ("papers.lpi.artefacts.fig6l.sweep.ig:", "'stepz'", "steps, rule")),
    ("papers/lpi/artefacts/fig6l/sweep/ig/steps", [5, 0], ("papers.lpi.artefacts.fig6l.sweep.ig.steps:", "0", "at least 1")),
    ("papers/lpi/artefacts/table1/reported", "table9", ("papers.lpi.artefacts.table1.reported:", "'table9'", "table1")),
    ("papers/lpi/claims/c4/claim", "nope", ("papers.lpi.claims.c4.claim:", "'nope'", "chain, equivalence")),
    ("papers/lpi/claims/c4/says", MISSING, ("papers.lpi.claims.c4:", "says missing")),
    ("papers/lpi/claims/c4/artefacts", ["fig9"], ("papers.lpi.claims.c4.artefacts:", "'fig9'", "fig1, fig2")),
    ("papers/lpi/claims/c4/methods", [{"lpi": {"stepz": 5}}], ("papers.lpi.claims.c4.methods.lpi:", "'stepz'", "neighbourhoods")),
    ("papers/lpi/claims/c4/methods", [{"nope": {"steps": 5}}], ("papers.lpi.claims.c4.methods:", "'nope'", "random, inputgrad")),
    ("papers/lpi/claims/c4/direction", "up", ("papers.lpi.claims.c4.direction:", "'up'", "better, higher, lower")),
    ("papers/lpi/claims/c4/scores", ["object_share"], ("papers.lpi.claims.c4.scores:", "'object_share'", "diffid_output")),
    ("papers/lpi/claims/c11/pairs", [["ig"]], ("papers.lpi.claims.c11.pairs", "['ig']", "a list")),
    ("papers/lpi/claims/e1/table", "fig9", ("papers.lpi.claims.e1.table:", "'fig9'", "fig1, fig2")),
    ("papers/Bad-Name", {"title": "a", "models": {"a": "vgg_pairs"}, "artefacts": {}}, ("papers:", "'Bad-Name'", "^[a-z0-9_]+$")),
    ("reported_as", {"sg": 3}, ("reported_as.sg:", "3", "text")),
]


@pytest.mark.parametrize("path, value, words", MISTAKES, ids=[f"{path}-{value!r:.20}" for path, value, _ in MISTAKES])
def test_a_mistake_gives_one_line_that_says_what_is_accepted(path, value, words):
    lines = check(changed((path, value)), SCHEMA)
    assert len(lines) == 1, lines
    assert len(lines[0].splitlines()) == 1
    for word in (*words, "accepted"):
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


@pytest.mark.parametrize(
    "path", ["papers/lpi/defaults/methods", "methods/ig/variants", "papers/lpi/artefacts/fig6l/sweep/ig/steps"]
)
def test_a_value_listed_twice_is_called_so(path):
    value = {"methods": ["ig", "eg", "lpi", "ig"], "variants": ["vanilla", "vanilla"], "steps": [5, 5]}[path.rsplit("/", 1)[1]]
    lines = check(changed((path, value)), SCHEMA)
    assert len(lines) == 1 and "once" in lines[0], lines


def test_all_mistakes_are_told_at_once():
    edits = [
        ("methods/ig/steps", 0),
        ("methods/eg/stepz", 1),
        ("metrics/diffid/fractions", "x"),
        ("models/vgg_pairs/dataset", "nope"),
    ]
    lines = check(changed(*edits), SCHEMA)
    assert len(lines) == len(edits)
    with pytest.raises(configuration.InputError) as caught:
        load(changed(*edits), SCHEMA)
    assert str(caught.value).splitlines() == [f"config: {line}" for line in lines]


def test_a_method_swept_but_not_shown_needs_a_value_for_the_model_of_the_sweep():
    config = changed(
        ("methods/lpi_few", {"method": "lpi", "neighbourhoods": {"vgg_pairs": 3}}),
        ("papers/lpi/artefacts/fig6l/sweep/lpi_few", {"references": [2]}),
    )
    (line,) = check(config, SCHEMA)
    assert "methods.lpi_few.neighbourhoods" in line and "resnet_pairs" in line


def test_a_mapping_a_model_covers_only_the_models_in_use():
    config = changed(("models/spare", SHIPPED["models"]["vgg_pairs"]))
    assert check(config, SCHEMA) == []


def test_values_of_a_model_stand_for_that_model(study):
    assert study.method("lpi", "vgg_pairs")["neighbourhoods"] == 9
    assert study.method("lpi", "resnet_pairs")["neighbourhoods"] == 7


def test_a_methods_name_resolves_to_all_its_parameters(study):
    assert study.method("ig", "vgg_pairs") == {
        "method": "ig",
        "objective": "logit",
        "variants": ["vanilla", "per_unit"],
        "steps": 20,
        "rule": "midpoint",
        "baseline": 0.0,
        "as_released": False,
    }
    assert study.method("random", "vgg_pairs") == {"method": "random", "objective": "logit", "variants": ["vanilla"]}
    released = study.method("agi_as_released", "vgg_pairs")
    assert released["method"] == "agi" and released["as_released"] is True
    assert study.metric("diffid") == {"metric": "diffid", "fractions": 10, "absolute": True}


def test_a_resolved_method_is_a_copy(study):
    study.method("eg", "vgg_pairs")["variants"].append("absolute")
    assert study.method("eg", "vgg_pairs")["variants"] == ["vanilla"]
    study = load(changed(("methods/ig/variants", ["vanilla", "absolute"])), SCHEMA)
    study.method("ig", "vgg_pairs")["variants"].append("another")
    assert study.method("ig", "vgg_pairs")["variants"] == ["vanilla", "absolute"]


def test_an_unknown_method_is_refused_with_those_known(study):
    with refused("'nope'", "lpi-references10"):
        study.method("nope", "vgg_pairs")


def test_a_form_equal_to_the_method_goes_by_its_name(study):
    assert study.point("ig", {"steps": 5}, "resnet_pairs") == "ig-steps5"
    assert study.point("ig", {"steps": 20}, "resnet_pairs") == "ig"
    assert study.method("ig-steps5", "resnet_pairs")["steps"] == 5
    form = {"neighbourhoods": 7, "references": 20}
    assert study.point("lpi", form, "resnet_pairs") == "lpi"
    assert study.point("lpi", form, "vgg_pairs") == "lpi-neighbourhoods7"


def test_a_form_keeps_the_methods_other_settings():
    study = load(changed(("methods/eg/objective", "probability"), ("methods/eg/variants", ["vanilla", "absolute"])), SCHEMA)
    point = study.method("eg-references5", "resnet_pairs")
    variants = ["vanilla", "absolute"]
    assert point == {"method": "eg", "objective": "probability", "variants": variants, "upto": {}, "references": 5, "steps": 1}


def test_all_forms_of_the_shipped_configuration_have_names_of_their_own(study):
    meaning = {}
    for drawn in study.drawn.values():
        for model in drawn.models.values():
            for base, own in drawn.forms.values():
                settings = study.method(study.point(base, own, model), model)
                assert {key: settings[key] for key in own} == own
                assert meaning.setdefault((model, study.point(base, own, model)), settings) == settings


def test_entries_that_give_the_same_maps_share_their_files_and_their_variants():
    """Whatever they are called, and whichever variants each asks for; the first in the configuration has the files."""
    config = changed(
        ("methods/same", {"method": "ig", "steps": 20, "variants": ["absolute"]}),
        ("methods/other", {"method": "ig", "steps": 20, "objective": "probability"}),
    )
    study = Study(config)
    assert study.owner("same", "vgg_pairs") == "ig" and study.owner("other", "vgg_pairs") == "other"
    assert study.computed("ig", "vgg_pairs")["variants"] == ["vanilla", "absolute", "per_unit"]
    assert study.method("ig", "vgg_pairs")["variants"] == ["vanilla", "per_unit"]
    assert study.owner(study.point("recalibration_eg", {"references": 20}, "vgg_pairs"), "vgg_pairs") == "eg"


def test_entries_of_other_baselines_are_not_the_same():
    config = changed(("methods/finer", {**SHIPPED["methods"]["credible"], "method": "credible", "delta": 0.01}))
    study = Study(config)
    assert study.owner("finer", "vgg_pairs") == "finer"


@pytest.mark.parametrize(
    "grid",
    [
        {"agi": {"as_released": [False, True]}},
        {"ig": {"baseline": [0.0, 0.5, -0.5, 1e-20]}},
        {"ig": {"rule": ["midpoint", "right"], "steps": [1, 11]}},
        {"agi": {"steps": [1, 11], "classes": [1, 2]}},
    ],
    ids=str,
)
def test_every_forms_name_is_its_own_and_may_stand_in_a_path(study, grid):
    ((base, parameters),) = grid.items()
    forms = [dict(zip(parameters, values, strict=True)) for values in itertools.product(*parameters.values())]
    names = [study.point(base, own, "resnet_pairs") for own in forms]
    assert len(set(names)) == len(names)
    pattern = re.search(r'method=r"(.*?)"', (ROOT / "Snakefile").read_text())[1]
    for name in names:
        assert re.fullmatch(pattern, name), name


def test_an_artefact_takes_its_papers_defaults_and_its_functions(study):
    drawn = study.drawn["lpi", "artefacts", "fig3"]
    assert drawn.values["images"] == 64 and drawn.values["metric"] == "diffid"
    assert drawn.values["scores"] == ["diffid_output", "diffid_probability", "diffid_accuracy"]
    assert drawn.models == {"vgg16": "vgg_pairs"} and list(drawn.forms) == SHIPPED["papers"]["lpi"]["defaults"]["methods"]
    assert study.drawn["lpi", "artefacts", "fig5"].values["images"] == 6


def test_all_models_of_the_paper_are_taken_where_none_is_named(study):
    assert study.drawn["lpi", "claims", "c1"].models == {"vgg16": "vgg_pairs", "resnet34": "resnet_pairs"}
    assert study.drawn["lpi", "claims", "c4"].models == {"resnet34": "resnet_pairs"}


def test_titles_come_of_names(study):
    found = {name: drawn.title for (paper, section, name), drawn in study.drawn.items() if section == "artefacts"}
    assert found["fig3"] == "Fig. 3" and found["fig6l"] == "Fig. 6 left" and found["fig6r"] == "Fig. 6 right"
    assert found["table1"] == "Table 1" and found["examples"] == "Examples 1 and 2" and found["gallery"] == "Gallery"


def test_a_variant_that_a_methods_entry_does_not_keep_is_refused():
    lines = check(changed(("papers/lpi/artefacts/fig3/variants", ["valid_references"])), SCHEMA)
    assert len(lines) == len(SHIPPED["papers"]["lpi"]["defaults"]["methods"])
    assert all(line.startswith("papers.lpi.artefacts.fig3: valid_references of ") and "vanilla" in line for line in lines)


def test_an_artefact_or_claim_is_left_out_by_null():
    config = changed(("papers/lpi/artefacts/fig2", None), ("papers/lpi/claims/c6", None))
    study = load(config, SCHEMA)
    assert ("lpi", "artefacts", "fig2") not in study.drawn and ("lpi", "claims", "c6") not in study.drawn


def test_trainings_have_names_and_numbers_and_share_the_models_entry():
    config = changed(("models/vgg_pairs/training/seeds", 3))
    study = load(config, SCHEMA)
    assert study.trainings("vgg_pairs") == ["vgg_pairs", "vgg_pairs-1", "vgg_pairs-2"] and len(study.trainings("resnet_pairs")) == 1
    entry, number = study.model("vgg_pairs-2")
    assert number == 2 and "seeds" not in entry["training"] and entry == study.model("vgg_pairs")[0]
    assert study.method("lpi", "vgg_pairs-2")["neighbourhoods"] == 9


@pytest.mark.parametrize(
    "wanted, per_shard, images, expected",
    [
        ([(0, 10)], 4, None, ["0000000-0000004", "0000004-0000008", "0000008-0000010"]),
        ([(0, 8)], 4, None, ["0000000-0000004", "0000004-0000008"]),
        ([(0, 3)], 4, None, ["0000000-0000003"]),
        ([(0, 50000)], 50000, None, ["0000000-0050000"]),
        ([(0, 3), (0, 10), (2, 6)], 4, None, ["0000000-0000004", "0000004-0000008", "0000008-0000010"]),  # the most asked for
        ([(5, 7), (9, 10)], 4, None, ["0000005-0000007", "0000009-0000010"]),  # nothing that nobody wants
        ([(0, 10)], 4, 9, ["0000000-0000004", "0000004-0000008", "0000008-0000009"]),  # no more than there are
        ([], 4, None, []),
    ],
)
def test_shards_cover_what_is_wanted_once(wanted, per_shard, images, expected):
    assert cover(wanted, per_shard, images) == expected
    rows = [row for shard in expected for row in range(*shard_range(shard))]
    assert len(rows) == len(set(rows))
    assert {row for start, stop in wanted for row in range(start, min(stop, images or stop))} <= set(rows)


def test_a_shard_begins_where_it_did_whatever_else_is_wanted():
    starts = {shard_range(shard)[0] for shard in cover([(0, 10)], 4)}
    assert starts <= {shard_range(shard)[0] for shard in cover([(0, 10), (0, 24)], 4)}


def test_missing_paths_are_told_a_line_each(tmp_path):
    (tmp_path / "there.safetensors").write_text("")
    folder = {"dataset": "imagefolder", "root": str(tmp_path / "no_images"), "classes": str(tmp_path / "no_list")}
    own = {"dataset": "own", "architecture": f"{tmp_path}/no_code.py:net", "mean": [0.5], "std": [0.5]}
    config = changed(
        ("datasets/own", folder),
        ("models/vgg_pairs", {**own, "weights": str(tmp_path / "no_weights.pth")}),
        ("models/resnet_pairs", {**own, "weights": str(tmp_path / "there.safetensors")}),
    )
    lines = Study(config).missing()
    assert [line.split(": ")[0] for line in lines] == [
        "datasets.own.classes",
        "datasets.own.root",
        "models.resnet_pairs.architecture",
        "models.vgg_pairs.architecture",
        "models.vgg_pairs.weights",
    ]
    assert all("does not exist; accepted: " in line and str(tmp_path) in line for line in lines)
    assert Study(copy.deepcopy(SHIPPED)).missing() == []


MADE_OF_OTHERS = [
    ("models/resnet_1", {"weights": "nope.pth", "randomised": 1}, ("models.resnet_1.weights:", "'nope.pth'", "resnet_small")),
    ("models/resnet_1", {"weights": "resnet_small"}, ("models.resnet_1:", "randomised missing", "top blocks of resnet_small")),
    ("models/resnet_1", {"weights": "resnet_small", "randomised": 1, "dataset": "digits"}, ("models.resnet_1.dataset:", "that of")),
    ("models/resnet_1", {"weights": "inception_1", "randomised": 1}, ("models.resnet_1.weights:", "'inception_1'", "accepted")),
    ("models/vgg_pairs/start", "vgg_pairs", ("models.vgg_pairs.start:", "'vgg_pairs'", "vgg_small")),
    ("models/vgg_pairs/training/training", "nope", ("models.vgg_pairs.training:", "'nope'", "attribution_prior, classification")),
    ("models/prior_eg/training/form", "absolute", ("models.prior_eg.training.form:", "'absolute'", "none, vanilla, valid_ref")),
    ("models/prior_eg/training/held_out", 1.0, ("models.prior_eg.training.held_out:", "1.0", "below 1")),
    ("metrics/diffroar/shares", [0.5, 1.2], ("metrics.diffroar.shares.1:", "1.2", "a finite number, above 0, below 1")),
    ("metrics/sensitivity_n/fractions", [0.0], ("metrics.sensitivity_n.fractions.0:", "0.0", "above 0, below 1")),
    ("metrics/sensitivity_n/subset", 5, ("metrics.sensitivity_n:", "'subset'", "fractions, subsets, of")),
]


@pytest.mark.parametrize("path, value, words", MADE_OF_OTHERS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_mistake_in_what_is_made_of_others_gives_one_line(path, value, words):
    if path == "models/resnet_1":
        value = {"dataset": "digits_on_photos", "architecture": "resnet_small"} | value
    (line,) = check(changed((path, value)), SCHEMA)
    assert all(word in line for word in words), line


def test_masks_are_asked_of_data_sets_that_have_them():
    """Of an external data set nothing says where the object is: what needs it is left out, with the reason."""
    external = {"dataset": "imagefolder", "root": "here", "size": 32}
    edits = [("datasets/own", external)] + [(f"models/{name}/dataset", "own") for name in ("vgg_pairs", "resnet_pairs")]
    absent = load(changed(*edits), SCHEMA).absent
    assert set(absent.values()) == {"metric on_object needs masks or boxes; the data set own has neither"}
    assert set(absent) >= {("lpi", "claims", "c9"), ("lpi", "claims", "c10"), ("recalibration", "claims", "c12")}
    assert not load(changed(("datasets/own", {**external, "boxes": "there"}), *edits[1:]), SCHEMA).absent


def test_a_paper_is_left_out_by_null():
    config = changed(("papers/lpi", None), ("papers/credible", None))
    study = load(config, SCHEMA)
    assert list(config["papers"]) == ["methods", "recalibration", "local_attribution", "taylor"]
    assert {paper for paper, _, _ in study.drawn} == set(config["papers"])


def test_a_metric_and_its_probe_share_the_configurations_entry(study):
    assert study.probe("sensitivity_n") == {"probe": "masked", "fractions": [0.1, 0.3, 0.5, 0.7, 0.9], "subsets": 50}
    assert study.probe("diffid") == {} and study.retrains("diffid") == 0 and study.retrains("diffroar") == 700
