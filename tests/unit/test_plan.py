"""Which digests a change of the configuration changes, and which it must not."""

import pickle
from pathlib import Path

import pytest

from pathattr import source
from pathattr.config import load
from pathattr.plan import File, Plan
from pathattr.study import Study

from .test_config import ROOT, SCHEMA, changed

MODELS = ("vgg_pairs", "resnet_pairs")
METHODS = ("random", "inputgrad", "ig", "eg", "agi", "agi_as_released", "lpi", "ig-steps5")
SHARD, PART = "0000000-0000300", "0000-of-0002"


def digests(*edits) -> dict[str, str]:
    """Path -> digest of every result of the two models, with (path, value) edits of the shipped configuration."""
    plan = Plan(Study(changed(*edits)), ROOT)
    files = [
        plan.index("digits", "train"),
        *plan.split("digit_pairs_on_photos", "train"),
        *plan.split("digit_pairs_on_photos", "test"),
    ]
    for model in MODELS:
        place = "digit_pairs_on_photos", model
        files += [plan.weights(model), plan.logits(*place, "train", PART), plan.neighbourhoods(*place, "lpi")]
        files += [plan.maps(*place, method, SHARD) for method in METHODS]
        files += [plan.scores(*place, method, "diffid", SHARD) for method in METHODS]
    return {str(file): file.digest for file in files}


SHIPPED = digests()
WITHOUT_EFFECT = [
    ("device", "cuda"),
    ("micro_batch", 64),
    ("images_per_shard", 100),
    ("training_shards", 5),
    ("threads/compute", 4),
    ("resources/safety", 5),
    ("models/vgg_pairs/stands_for", "another"),
    ("papers/lpi/defaults/images", 20),
    ("methods/spare", {"method": "ig"}),
    ("models/vgg_pairs/training/seeds", 3),  # the first training is the one that there was
    ("datasets/spare", {"dataset": "digits"}),
]


@pytest.mark.parametrize("edit", WITHOUT_EFFECT, ids=lambda edit: edit[0])
def test_what_only_says_how_a_result_is_computed_changes_no_digest(edit):
    assert digests(edit) == SHIPPED


WITH_EFFECT = {  # edit -> what the paths of all that changes, and of nothing else, contain
    ("methods/inputgrad/objective", "loss"): ["/inputgrad/"],
    ("methods/ig/steps", 21): ["/ig/"],
    ("methods/ig/rule", "right"): ["/ig/", "/ig-steps5/"],
    ("methods/agi/step_size", 0.1): ["/agi/"],
    ("methods/lpi/neighbourhoods/vgg_pairs", 8): ["vgg_pairs/lpi/", "vgg_pairs/lpi."],
    ("metrics/diffid/fractions", 5): ["/diffid/"],
    ("maps_dtype", "float16"): ["maps/", "scores/"],
    ("background_images", 100): ["/eg/"],
    ("models/vgg_pairs/training/epochs", 9): ["vgg_pairs"],
    ("threads/train", 3): ["models/", "logits/", "neighbourhoods/", "maps/", "scores/"],
    ("datasets/digits/size", 8): ["data/digits/"],
    ("datasets/digit_pairs_on_photos/train", 5000): ["digit_pairs_on_photos"],
    ("seed", 1): ["results/"],
}


@pytest.mark.parametrize("edit, parts", WITH_EFFECT.items(), ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_a_change_reaches_what_hangs_on_it_and_nothing_else(edit, parts):
    found = digests(edit)
    assert found.keys() == SHIPPED.keys()
    assert {path for path in found if found[path] != SHIPPED[path]} == {
        path for path in SHIPPED if any(part in path for part in parts)
    }


def test_results_that_differ_have_different_digests():
    own = {path: digest for path, digest in SHIPPED.items() if not path.startswith("results/data/")}
    assert len(set(own.values())) == len(own)


def test_the_code_of_a_users_own_network_and_beside_it_is_part_of_the_digest(tmp_path):
    code = tmp_path / "own.py"
    entry = {"dataset": "digit_pairs_on_photos", "architecture": f"{code}:net", "weights": "own.pth", "mean": [0.5], "std": [0.5]}
    found = []
    for result, beside in ((1, 1), (2, 1), (2, 2)):
        code.write_text(f"import blocks\n\ndef net(classes, channels, size):\n    return {result}\n")
        (tmp_path / "blocks.py").write_text(f"VALUE = {beside}\n")
        for remembered in (source._tree, source._bare, source._imports, source._source_digest, source._code):
            remembered.cache_clear()
        found.append(Plan(Study(changed(("models/vgg_pairs", entry))), ROOT).weights("vgg_pairs").digest)
    assert len(set(found)) == 3


def test_a_file_is_its_path_with_a_digest():
    file = File("results/a.csv", "d" * 16)
    assert file == "results/a.csv" and Path(file).suffix == ".csv"
    assert pickle.loads(pickle.dumps(file)).digest == "d" * 16


# --- artefacts and claims ---------------------------------------------------------------------------------------------


def drawings(*edits) -> dict[str, str]:
    """Path -> digest of all artefacts and verdicts."""
    plan = Plan(load(changed(*edits), SCHEMA), ROOT)
    papers = list(plan.config["papers"])
    files = [plan.artefact(paper, name) for paper in papers for name in plan.artefacts_of(paper)]
    files += [plan.judge(paper, name) for paper in papers for name in plan.claims_of(paper)]
    return {str(file): file.digest for file in files}


@pytest.mark.parametrize(
    "edit, changes",
    [
        (("papers/lpi/artefacts/fig5/images", 4), ["tables/lpi/fig5.csv"]),
        (("papers/lpi/claims/c8/margin", 0.04), ["claims/lpi.c8.json"]),
        (("papers/lpi/claims/e3/tolerance", 1e-5), ["claims/lpi.e3.json"]),
        (("papers/lpi/artefacts/examples/title", "Worked examples"), []),
        (("methods/occlusion/strides", [3, 8, 8]), [f"tables/methods/{name}.csv" for name in ("gallery", "scatter", "scores")]),
        (("metrics/on_object/metric", "on_object"), []),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else "",
)
def test_an_edit_reaches_the_artefacts_and_claims_that_show_it_and_no_other(edit, changes):
    before, after = drawings(), drawings(edit)
    assert sorted(path.removeprefix("results/") for path in before if before[path] != after[path]) == sorted(changes)


def test_what_several_ask_for_is_computed_once():
    """The overview's 16 images and the credible paper's 40 of one method are one file; what only the overview has keeps its 16."""
    plan = Plan(load(changed(), SCHEMA), ROOT)
    overview = [file for file in plan.targets("methods") if file.startswith("results/maps/")]
    credible = [file for file in plan.targets("credible") if file.startswith("results/maps/")]
    shared = "results/maps/digits_on_photos/resnet_small/credible/0000000-0000040.arrow"
    assert shared in overview and shared in credible
    assert "results/maps/digits_on_photos/resnet_small/mfaba/0000000-0000016.arrow" in overview
    places = [(Path(file).parent, Path(file).name.split("-")[0]) for file in {*overview, *credible}]
    assert len(places) == len(set(places))


def test_each_training_scores_its_share_of_the_images():
    config = changed(("models/resnet_pairs/training/seeds", 3))
    plan = Plan(load(config, SCHEMA), ROOT)
    files = plan._job("judge", ("lpi", "c4")).inputs["scores"]
    rows = {(file.about["training"], file.about["first"], file.about["last"]) for file in files}
    assert rows == {("resnet_pairs", 0, 10), ("resnet_pairs-1", 10, 21), ("resnet_pairs-2", 21, 32)}
    digests = {plan.weights(name).digest for name in plan.study.trainings("resnet_pairs")}
    assert len(digests) == 3


def test_a_claims_cost_is_counted_over_everything_before_it():
    plan = Plan(load(changed(), SCHEMA), ROOT)
    takes = plan.takes(plan.judge("lpi", "c4"))
    for pattern in (
        "train_model/digit_pairs_on_photos/resnet_pairs.tsv",
        "judge/lpi.c4.tsv",
        "make_dataset/digit_pairs_on_photos/train.tsv",
    ):
        assert pattern in takes
    assert "attribute/digit_pairs_on_photos/resnet_pairs/lpi-references5/*.tsv" in takes
    assert not any("vgg_pairs" in pattern for pattern in takes)


def test_captions_are_the_docstrings_with_their_fields_filled_in():
    plan = Plan(load(changed(), SCHEMA), ROOT)
    for (paper, section, name), drawn in plan.study.drawn.items():
        if section == "artefacts":
            caption = plan.caption(drawn)
            assert "{" not in caption and len(caption) > 60, (paper, name)
    assert "64 images" in plan.caption(plan.study.drawn["lpi", "artefacts", "fig4"])
    assert "resnet_pairs in place of ResNet-34" in plan.caption(plan.study.drawn["lpi", "artefacts", "fig4"])


def test_a_dataset_metric_or_model_is_its_function_and_not_its_neighbours_in_the_file(tmp_path):
    """An edit of `digits` remakes no photograph; one of what both use does."""
    import importlib.util
    import shutil

    library = tmp_path / "scripts" / "pathattr"
    shutil.copytree(source.LIBRARY, library, ignore=shutil.ignore_patterns("__pycache__"))

    def digest(name):
        spec = importlib.util.spec_from_file_location("pathattr.source", library / "source.py")
        fresh = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(fresh)
        return fresh.digest([(library / "dataset" / "digits.py", name)])

    names = ("digits", "digits_on_photos", "digit_pairs_on_photos")
    before, text = {name: digest(name) for name in names}, (library / "dataset" / "digits.py").read_text()
    for old, new, reached in (
        ("masks = images > 0.5", "masks = images > 0.6", {"digits"}),
        ("DARK_SHARE = 0.3", "DARK_SHARE = 0.4", {"digits_on_photos", "digit_pairs_on_photos"}),
        ("TEST_DIGITS = 400", "TEST_DIGITS = 300", set(names)),
    ):
        assert old in text
        (library / "dataset" / "digits.py").write_text(text.replace(old, new))
        assert {name for name in names if digest(name) != before[name]} == reached


def test_what_does_not_depend_on_the_map_is_computed_once_a_model():
    """Sensitivity-n of all methods on a model reads one file of masked outputs."""
    plan = Plan(load(changed(), SCHEMA), ROOT)
    found = {}
    for file in plan._job("figure", ("credible", "fig3")).inputs["scores"]:
        (probe,) = plan.made[str(file)].inputs["probe"]
        found.setdefault(file.about["model"], set()).add(str(probe))
    assert len(found) == 3 and all(len(probes) == 1 for probes in found.values())


def test_a_probe_is_shared_by_metrics_that_ask_alike():
    same = {"metric": "sensitivity_n", "of": "predicted", "fractions": [0.1, 0.3, 0.5, 0.7, 0.9], "subsets": 50}
    plan = Plan(load(changed(("metrics/sensitivity_n_predicted", same)), SCHEMA), ROOT)
    place = "digits_on_photos", "vgg_small", "credible"
    one, other = (plan.scores(*place, metric, "0000000-0000040") for metric in ("sensitivity_n", "sensitivity_n_predicted"))
    probes = [plan.made[str(file)].inputs["probe"] for file in (one, other)]
    assert probes[0] == probes[1] and one.digest != other.digest


def test_scores_are_of_the_rows_that_are_asked_for_and_maps_of_all():
    """120 images for claim c9, 40 for Table 1: maps once, DiffID-like metrics on no more than they are asked for."""
    plan = Plan(load(changed(), SCHEMA), ROOT)
    by_metric = {}
    for claim in ("c1", "c9"):
        for file in plan._job("judge", ("credible", claim)).inputs["scores"]:
            if (file.about["model"], file.about["method"]) == ("vgg16", "credible"):
                by_metric[file.about["metric"]] = (file.about["stop"], plan.made[str(file)].inputs["maps"][0].about["stop"])
    assert by_metric == {"rise": (40, 120), "on_object": (120, 120)}


def test_a_metric_that_retrains_reads_maps_of_both_splits():
    plan = Plan(load(changed(), SCHEMA), ROOT)
    job = plan._job("retrain", ("digits_native", "preact_digits", "small_eg", "diffroar", "0000000-0000400"))
    assert [Path(file).name for file in job.inputs["train_maps"]] == ["train-0000000-0000700.arrow"]
    assert [Path(file).name for file in job.inputs["maps"]] == ["0000000-0000400.arrow"]
    made = plan.made[str(job.inputs["train_maps"][0])]
    assert {file.about["split"] for file in made.inputs["images"] if file.about} == {"train"}


def test_an_edit_of_a_fine_tuning_changes_no_map():
    before, after = (Plan(load(changed(*edits), SCHEMA), ROOT) for edits in ((), (("metrics/diffroar/epochs", 5),)))
    place = "digits_native", "preact_digits", "small_eg"
    assert before.maps(*place, "train-0000000-0000700").digest == after.maps(*place, "train-0000000-0000700").digest
    names = [plan.retrain(*place, "diffroar", "0000000-0000400").digest for plan in (before, after)]
    assert names[0] != names[1]


def test_weights_that_begin_with_others_or_are_others_randomised_change_with_them():
    before, after = (Plan(load(changed(*edits), SCHEMA), ROOT) for edits in ((), (("models/vgg_small/training/epochs", 9),)))
    for name, same in (("vgg_pairs", False), ("vgg_32", False), ("resnet_pairs", True)):
        assert (before.weights(name).digest == after.weights(name).digest) is same
    other = Plan(load(changed(("models/inception_small/training/epochs", 9)), SCHEMA), ROOT)
    assert before.weights("inception_2").digest not in (other.weights("inception_2").digest, before.weights("inception_3").digest)
