"""Mistakes end in one line that says what was found and what is accepted."""

import fcntl

import pytest

from helpers import REPOSITORY, snakemake

SMOKE = ("--configfile", "config/smoke.yaml")


@pytest.mark.parametrize(
    "change, line",
    [
        ("micro_batch=20", "config: micro_batch: found 20; accepted: a whole number, at least 16, a multiple of 16"),
        ("device=gpu", "config: device: found 'gpu'; accepted: cpu, cuda"),
        ("sed=1", "config: top level: unknown key 'sed'; accepted: seed, device"),
        ("methods={ig: {stepz: 3}}", "config: methods.ig: unknown key 'stepz'; accepted: steps, rule, baseline"),
        ("methods={ig: {rule: left}}", "config: methods.ig.rule: found 'left'; accepted: midpoint, right, trapezoid"),
    ],
)
def test_config(tmp_path, change, line):
    done = snakemake(REPOSITORY, "-n", "--directory", tmp_path, "--config", change, check=False)
    assert done.returncode == 1
    said = [text for text in done.stdout.splitlines() if text.startswith("config: ")]
    assert len(said) == 1 and said[0].startswith(line), done.stdout
    assert "Traceback" not in done.stdout


def test_missing_data_is_said_before_any_job(tmp_path):
    arguments = ("--directory", tmp_path, "--configfile", REPOSITORY / "config/imagenet.yaml")
    done = snakemake(REPOSITORY, *arguments, check=False)
    assert done.returncode == 1
    assert done.stdout.strip().splitlines()[-1].startswith("config: datasets.imagenet.root: data/imagenet does not exist")
    assert not (tmp_path / "results").exists()


def test_a_second_run_in_the_folder_is_refused(workbench):
    next((workbench / "results/figures/lpi").glob("fig5.pdf")).unlink()
    with (workbench / "results/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = snakemake(workbench, *SMOKE, check=False)
        assert done.returncode == 1 and "another run is at work in this folder" in done.stdout
        snakemake(workbench, *SMOKE, "-n")
    snakemake(workbench, *SMOKE)


def test_a_job_that_fails_says_why_in_one_line(workbench):
    """On a machine without a GPU: the rule, its log, what was found and what is accepted."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has the GPU whose absence is tested")
    maps = next((workbench / "results/maps").rglob("resnet_pairs/ig/*.arrow"))
    maps.unlink()
    done = snakemake(workbench, *SMOKE, "--config", "device=cuda", "--", maps.relative_to(workbench), check=False)
    (line,) = [text for text in done.stdout.splitlines() if "error:" in text]
    assert line.startswith("attribute, results/logs/attribute/") and "accepted: cpu" in line
    assert "Traceback" not in done.stdout
