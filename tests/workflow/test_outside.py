"""Data that lie outside: indexed anew when they change, refused before any job when their classes are wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from helpers import REPOSITORY, planned, snakemake

INDEX = "results/data/own/test.parquet"
PLACES = ("train/cat/a.png", "train/dog/b.png", "val/cat/c.png", "val/dog/d.png")


@pytest.fixture
def own(tmp_path):
    """The arguments of Snakemake for a study of a small image folder, `own` in the folder of the run."""
    for number, place in enumerate(PLACES):
        path = tmp_path / "own" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 20, 3), number * 50, np.uint8)).save(path)
    papers = {name: None for name in yaml.safe_load((REPOSITORY / "config.yaml").read_text())["papers"]}
    papers["methods"] = {"models": {"network": "vgg_pairs"}, "artefacts": {"scores": None, "scatter": None}}
    datasets = {"own": {"dataset": "imagefolder", "root": "own", "size": 64}}
    config = {"datasets": datasets, "models": {"vgg_pairs": {"dataset": "own"}}, "papers": papers}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    return "--directory", tmp_path, "--configfile", tmp_path / "own.yaml"


def digest(folder) -> str:
    return json.loads(pq.read_schema(folder / INDEX).metadata[b"pathattr"])["digest"]


def test_what_changed_is_indexed_anew_and_the_jobs_go_by_what_the_run_saw(own, tmp_path):
    snakemake(REPOSITORY, *own, "--", INDEX)
    assert planned(REPOSITORY, *own, "--", INDEX) == {}
    before = digest(tmp_path)
    os.utime(tmp_path / "own" / PLACES[2], ns=(0, 0))
    assert planned(REPOSITORY, *own, "--", INDEX) == {"index_dataset": 1}
    snakemake(REPOSITORY, *own, "--", INDEX)
    after = digest(tmp_path)
    assert after != before
    # As an executor starts a job, in an environment where the run has left what it saw.
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--mode", "subprocess", "--force", "--nolock", *map(str, own)]
    environment = {**os.environ, "PATHATTR_STAMPS": json.dumps({"own": "seen by the run"})}
    subprocess.run([*command, "--", INDEX], cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    assert digest(tmp_path) not in (before, after)


def test_wrong_classes_are_said_before_any_job(own, tmp_path):
    (tmp_path / "own/val/cat").rename(tmp_path / "own/val/lion")
    done = snakemake(REPOSITORY, *own, "--", INDEX, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    line = "config: datasets.own.test: own/val has lion; accepted: the classes of own/train: cat, dog"
    assert done.stdout.strip().splitlines()[-1] == line
    assert not (tmp_path / "results").exists()
