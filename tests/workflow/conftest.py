"""The smoke configuration, run once in a copy of the repository; tests that change anything work in a copy of that."""

import os
import shutil

import pytest
from filelock import FileLock

from helpers import copy_repository, snakemake


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A folder in which the smoke run has ended well. Read only. Workers of one session (pytest -n) share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke" / "repository"
    done = folder.parent / "done"
    with FileLock(f"{folder.parent}.lock"):
        if not done.exists():
            snakemake(copy_repository(folder), "--configfile", "config/smoke.yaml")
            done.touch()
    return folder


@pytest.fixture
def workbench(smoke, tmp_path):
    """A copy of the finished smoke run, with Snakemake's memory of it, to change things in."""
    folder = tmp_path / "repository"
    shutil.copytree(smoke, folder, copy_function=shutil.copy2)
    return folder
