"""Mistakes end in one line that says what was found and what is accepted."""

import fcntl

import pytest

from helpers import REPOSITORY, copy_repository, snakemake
from pathattr.installed import has_gpu

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
    said = [line for line in done.stdout.splitlines() if line.startswith("config: ")]
    assert any(line.startswith("config: datasets.imagenet.root: data/imagenet does not exist") for line in said), done.stdout
    assert not (tmp_path / "results").exists()


def test_a_second_run_in_the_folder_is_refused(workbench):
    next((workbench / "results/figures/lpi").glob("fig5.pdf")).unlink()
    with (workbench / "results/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = snakemake(workbench, *SMOKE, check=False)
        assert done.returncode == 1 and "another run is at work in this folder" in done.stdout
        snakemake(workbench, *SMOKE, "-n")
    snakemake(workbench, *SMOKE)


@pytest.mark.parametrize(
    "text, line",
    [
        ("methods:\n  ig: {steps: 3}\n  ig: {steps: 4}\n", "line 3: key 'ig' twice, first in line 2; accepted: once"),
        ("methods:\n  5: {method: ig}\n", "line 2: the key 5 is no text to YAML; accepted: text, '5' in quotes"),
    ],
)
def test_what_yaml_passes_over(tmp_path, text, line):
    own = tmp_path / "own.yaml"
    own.write_text(text)
    done = snakemake(REPOSITORY, "-n", "--directory", tmp_path, "--configfile", own, check=False)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == f"config: {own}, {line}"


def test_a_file_that_is_no_yaml_is_told_with_its_line(tmp_path):
    folder = copy_repository(tmp_path / "repository")
    config = folder / "config.yaml"
    config.write_text("seed: 0\nmethods: {\n" + config.read_text())
    done = snakemake(folder, "-n", check=False)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("config: config.yaml, line ")


def test_a_missing_gpu_is_said_before_any_job(tmp_path):
    if has_gpu():
        pytest.skip("this machine has the GPU whose absence is tested")
    done = snakemake(REPOSITORY, "--directory", tmp_path, "--config", "device=cuda", check=False)
    assert done.returncode == 1 and not (tmp_path / "results").exists()
    assert done.stdout.splitlines()[-1].startswith("config: device: found 'cuda', but this machine has no GPU; accepted: cpu")


def test_a_job_that_fails_says_why_in_one_line(workbench):
    """The rule, its log, and what was found: weights that are cut off."""
    maps = next((workbench / "results/maps").rglob("resnet_pairs/ig/*.arrow"))
    maps.unlink()
    weights = next((workbench / "results/models").rglob("resnet_pairs.safetensors"))
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-100])
    done = snakemake(workbench, *SMOKE, "--", maps.relative_to(workbench), check=False)
    (line,) = [text for text in done.stdout.splitlines() if "error:" in text]
    assert line.startswith("attribute, results/logs/attribute/") and "resnet_pairs.safetensors" in line
    assert "Traceback" not in done.stdout
