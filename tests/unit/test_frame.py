"""The frame of a run: the folder is taken or refused in one line, and advice repeats the command of the run."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from pathattr import owner, run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(owner.VARIABLE, "")  # so that it is as it was at the end
    monkeypatch.delenv(owner.VARIABLE)
    return tmp_path


def test_a_folder_is_taken_once():
    handle = run._taken(Path("results"))
    assert owner.RUN.read_text() == os.environ[owner.VARIABLE]
    with pytest.raises(SystemExit, match="^another run is at work in this folder"):
        run._taken(Path("results"))
    handle.close()
    run._taken(Path("results")).close()


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    "place, number",
    [
        ("fcntl.flock", errno.ENOLCK),
        ("fcntl.flock", errno.ENOSYS),
        ("pathlib.Path.mkdir", errno.EROFS),
        ("pathlib.Path.open", errno.EACCES),
        ("pathlib.Path.write_text", errno.ENOSPC),
    ],
)
def test_a_folder_that_cannot_be_taken_is_named(folder, monkeypatch, place, number):
    monkeypatch.setattr(place, failing(number))
    with pytest.raises(SystemExit) as ended:
        run._taken(Path("results"))
    assert str(ended.value) == (
        f"{folder}/results: cannot be written and locked ({os.strerror(number)}); "
        "accepted: a folder open to us, with room, on a file system with locks"
    )


def test_a_file_in_place_of_the_folder_is_named():
    Path("results").write_text("")
    with pytest.raises(SystemExit, match=r"results: cannot be written and locked \(File exists\)"):
        run._taken(Path("results"))


def test_a_folder_that_is_not_open_to_us_is_named(folder, monkeypatch):
    run.check_folder()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(SystemExit, match=f"^{folder}: cannot be written; accepted: as --directory a folder"):
        run.check_folder()


def test_the_lock_is_free_when_its_holder_is_gone():
    with Path("results").mkdir() or Path("results/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    run._taken(Path("results")).close()


@pytest.mark.parametrize(
    "given, said",
    [
        ("--cores 2", "snakemake --cores all"),
        ("--cores all --configfile config/smoke.yaml -- lpi", "snakemake --cores all --configfile config/smoke.yaml"),
        (
            "-n --directory d --configfile a.yaml b.yaml --forcerun x",
            "snakemake --cores all --directory d --configfile a.yaml b.yaml",
        ),
        ("--config=seed=1 --profile slurm", "snakemake --cores all --config=seed=1 --profile slurm"),
        ("--config seed=1 device=cpu", "snakemake --cores all --config seed=1 device=cpu"),
    ],
)
def test_advice_repeats_the_configuration_and_the_folder(given, said):
    assert run.again(given.split()) == said
