"""The smoke configuration, run once in a copy of the repository; tests that change anything work in a copy of that."""

import shutil

import pytest

from helpers import copy_repository, snakemake


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A folder in which the smoke run has ended well. Read only."""
    folder = copy_repository(tmp_path_factory.mktemp("smoke") / "repository")
    snakemake(folder, "--configfile", "config/smoke.yaml")
    return folder


@pytest.fixture
def workbench(smoke, tmp_path):
    """A copy of the finished smoke run, with Snakemake's memory of it, to change things in."""
    folder = tmp_path / "repository"
    shutil.copytree(smoke, folder, copy_function=shutil.copy2)
    return folder
