"""What a change makes Snakemake run again: exactly what it touches."""

import os
import re
import shutil
import time

import pytest
import yaml

from helpers import REPOSITORY, edit, planned, planned_outputs, snakemake

SMOKE = ("--configfile", "config/smoke.yaml")
LPI_RULES = {"neighbourhoods", "attribute", "measure"}
LPI = "scripts/pathattr/method/lpi.py"


ARTEFACTS = "scripts/pathattr/artefact/"


def drawn(folder) -> set[str]:
    """Artefacts and claims that a dry run would make."""
    made = planned_outputs(folder, *SMOKE)
    return {path.removeprefix("results/") for path in made if path.startswith(("results/tables/", "results/claims"))}


def check_only_lpi(folder, *arguments):
    """The dry run has LPI's neighbourhoods, maps and scores, what draws them, and no job of another method."""
    jobs = planned(folder, *arguments)
    assert set(jobs) >= LPI_RULES
    assert set(jobs) <= LPI_RULES | {"figure", "table", "judge", "paper_claims", "claims", "all"}, jobs
    for path in planned_outputs(folder, *arguments):
        kind, *parts = path.split("/")[1:]
        if kind in ("maps", "scores", "neighbourhoods"):
            assert parts[2].startswith("lpi"), path
        assert path.split("/")[-1] not in ("examples.csv", "lpi.e1.json", "lpi.e2.json", "credible.e1.json"), (
            path
        )  # no method's maps are in them


def test_a_parameter_of_one_method(workbench):
    edit(workbench / "config/smoke.yaml", "resnet_small: 3}, references: 4}", "resnet_small: 3}, references: 3}")
    check_only_lpi(workbench, *SMOKE)


def test_a_semantic_edit_of_a_methods_file(workbench):
    edit(workbench / LPI, "n_init=3", "n_init=4")
    check_only_lpi(workbench, *SMOKE)


@pytest.mark.parametrize(
    "old, new",
    [
        ("centres, neighbourhood = ", "# a comment\n        centres, neighbourhood = "),
        ('"""Local Path Integration (', '"""On Local Path Integration ('),
    ],
    ids=["comment", "docstring"],
)
def test_a_comment_or_docstring_changes_nothing(workbench, old, new):
    edit(workbench / LPI, old, new)
    assert planned(workbench, *SMOKE) == {}


def test_touched_sources_change_nothing(workbench):
    later = time.time() + 100
    for path in [*(workbench / "scripts").rglob("*.py"), *(workbench / "rules").rglob("*.smk"), workbench / "config.yaml"]:
        os.utime(path, (later, later))
    assert planned(workbench, *SMOKE) == {}


def test_an_edit_of_the_integrator_reruns_all_maps_and_no_training(workbench):
    edit(workbench / "scripts/pathattr/integrate.py", "LAMBDA = 2.0", "LAMBDA = 2.5")
    jobs = planned(workbench, *SMOKE)
    maps = len([path for path in (workbench / "results/maps").rglob("*.arrow")])
    assert jobs["attribute"] == maps and "train_model" not in jobs and "logits" not in jobs


def test_an_edit_of_a_script_or_its_environment(workbench):
    edit(workbench / "scripts/table.py", "write_csv(snake", "print(); write_csv(snake")
    jobs = planned(workbench, *SMOKE)
    assert jobs["table"] == len(list((workbench / "results/benchmarks/table").rglob("*.tsv"))) and set(jobs) == {
        "table",
        "judge",
        "paper_claims",
        "claims",
        "all",
    }
    assert {"claims/credible.e1.json", "claims/credible.e2.json"} <= drawn(workbench)  # which read such a table
    edit(workbench / "envs/data.yaml", "# NumPy", "# Still NumPy")
    assert {"make_dataset", "neighbourhoods"} <= set(planned(workbench, *SMOKE))


@pytest.mark.parametrize(
    "file, old, new, artefacts",
    [
        ("galleries.py", "cell + 0.02", "cell + 0.03", {"lpi/fig5", "local_attribution/fig4", "taylor/fig2"}),
        ("galleries.py", "FOOT, NAMES = 0.35", "FOOT, NAMES = 0.36", {"methods/gallery", "taylor/fig2"}),
        ("curves.py", "margin = 0.04", "margin = 0.05", {"lpi/fig3", "lpi/fig4"}),
        (
            "galleries.py",
            "Attribution maps of the first",
            "Maps of the first",
            {"lpi/fig5", "local_attribution/fig4"},
        ),  # its caption
        ("galleries.py", "    test, rows = found.test(model)", "    # a comment\n    test, rows = found.test(model)", set()),
    ],
    ids=["function", "constant", "kind of two", "caption", "comment"],
)
def test_an_edit_of_what_draws_redraws_that_alone(workbench, file, old, new, artefacts):
    edit(workbench / ARTEFACTS / file, old, new)
    expected = {f"tables/{name}.{end}" for name in artefacts for end in ("csv", "html")}
    made = {path for path in drawn(workbench) if path.startswith("tables/")}
    assert made == expected
    assert set(planned(workbench, *SMOKE)) <= {"figure", "judge", "paper_claims", "claims", "all"}


def test_an_edit_of_a_claims_margin_judges_that_claim_and_gathers_anew(workbench):
    edit(workbench / "config.yaml", "margin: 0.05", "margin: 0.04")
    assert planned(workbench, *SMOKE) == {"judge": 1, "paper_claims": 1, "claims": 1, "all": 1}
    assert "claims/lpi.c8.json" in drawn(workbench)


def test_an_edit_of_one_comparison_leaves_the_claims_of_others(workbench):
    edit(workbench / "scripts/pathattr/claim/exact.py", "gap <= tolerance", "gap < tolerance")
    judged = {path for path in drawn(workbench) if path.endswith(".json") and path != "claims.json"}
    exact = ["lpi.e1", "lpi.e2", "lpi.e3", "credible.e1", "credible.e2", "credible.p2", "recalibration.l1"]
    exact += [f"local_attribution.{name}" for name in ("a1", "e1", "e2")]
    exact += [f"taylor.{name}" for name in ("p1", "p2", "p3", "p4", "p5", "t1")]
    assert judged == {f"claims/{name}.json" for name in exact}


def test_an_edit_of_a_fine_tuning_reruns_the_fine_tunings_and_no_map(workbench):
    edit(workbench / "config/smoke.yaml", "shares: [0.5], seeds: 1, epochs: 1", "shares: [0.5], seeds: 1, epochs: 2")
    jobs = planned(workbench, *SMOKE)
    assert jobs["retrain"] == 2 and set(jobs) <= {"retrain", "figure", "judge", "paper_claims", "claims", "all"}
    assert not {path for path in drawn(workbench) if path.startswith("claims/") and "recalibration.c4" not in path} - {
        "claims/recalibration.csv",
        "claims/counts.txt",
    }


def test_how_it_is_computed_changes_nothing(workbench):
    assert planned(workbench, *SMOKE, "--config", "micro_batch=64") == {}


def test_a_removed_shard_and_its_scores(workbench):
    """Only that shard and what descends from it."""
    shutil.rmtree(workbench / "results/maps/digit_pairs_on_photos/vgg_pairs/eg")
    shutil.rmtree(workbench / "results/scores/digit_pairs_on_photos/vgg_pairs/eg")
    jobs = planned(workbench, *SMOKE)
    assert jobs["attribute"] == 1
    assert jobs["measure"] == 2  # DiffID, and the share on the object
    assert set(jobs) == {"attribute", "measure", "figure", "table", "judge", "paper_claims", "claims", "all"}
    assert jobs["figure"] == 1 and jobs["table"] == 1


def test_a_stale_result_is_refused_without_snakemakes_memory(workbench):
    """`.snakemake` is gone and a parameter has changed: what is on disk is not taken for the new result."""
    shutil.rmtree(workbench / ".snakemake")
    edit(workbench / "config/smoke.yaml", "ig: {steps: 4}", "ig: {steps: 5}")
    (workbench / "results/figures/lpi/fig3.pdf").unlink()
    done = snakemake(workbench, *SMOKE, "--", "results/figures/lpi/fig3.pdf", check=False)
    assert done.returncode != 0
    assert re.search(r"error: \S*ig/\S+: made by other code or parameters", done.stdout), done.stdout


def test_a_torn_result_is_refused(workbench):
    maps = next((workbench / "results/maps").rglob("resnet_pairs/ig/0000000-0000008.arrow"))
    maps.write_bytes(maps.read_bytes()[:-100])
    shutil.rmtree(workbench / "results/scores/digit_pairs_on_photos/resnet_pairs/ig")
    done = snakemake(workbench, *SMOKE, "--rerun-triggers", "input", "--", "results/tables/lpi/fig4.csv", check=False)
    assert done.returncode != 0 and "torn" in done.stdout


@pytest.mark.parametrize("config", sorted(path.name for path in (REPOSITORY / "config").glob("*.yaml")) + ["config.yaml"])
@pytest.mark.parametrize("profile", [(), ("--profile", "slurm")], ids=["local", "slurm"])
def test_dry_run(config, profile):
    folder = "" if config == "config.yaml" else "config/"
    output = snakemake(REPOSITORY, "-n", "--forceall", *profile, "--configfile", folder + config).stdout
    assert re.search(r"^table +\d+$", output, re.MULTILINE) and re.search(r"^judge +\d+$", output, re.MULTILINE)


def test_full_scale_has_the_papers_settings_and_a_sane_number_of_jobs():
    jobs = planned(REPOSITORY, "--forceall", "--configfile", "config/imagenet.yaml")
    assert 1000 < sum(jobs.values()) < 6000
    shown = snakemake(
        REPOSITORY, "-n", "--forceall", "--configfile", "config/imagenet.yaml", "--quiet", "host", "--debug-dag"
    ).stdout
    assert "results/maps/imagenet/resnet34/lpi/0047500-0050000.arrow" in shown
    overlay = yaml.safe_load((REPOSITORY / "config/imagenet.yaml").read_text())
    assert overlay["methods"]["lpi"]["neighbourhoods"] == {"vgg16": 9, "resnet34": 7}
    assert overlay["papers"]["lpi"]["defaults"]["images"] == 50000
