"""Seals: no byte of a result changes unseen; and a write that fails at any point leaves the old file, whole."""

import errno
import os
import resource
import signal
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest

from pathattr import owner, seal, store
from pathattr.files import PART, File, replacing, sweep
from pathattr.job import Given, job
from pathattr.plot import style

from .helpers import refused
from .test_store import ARRAYS, DIGEST, KINDS, METADATA, TABLE, TENSORS, every_kind

FLIPS = 40  # of each kind here; tests/faults/flips.py takes more, of real results


@pytest.fixture
def sealed(kind, tmp_path):
    """(path of a sealed file of that kind, its read)."""
    write, read, ending = KINDS[kind]
    path = tmp_path / f"result{ending}"
    write(path)
    seal.seal(path, DIGEST)
    return path, read


@every_kind
def test_a_flipped_bit_is_refused_in_one_line(kind, sealed):
    path, read = sealed
    whole = path.read_bytes()
    for bit in np.random.default_rng(0).choice(8 * len(whole), FLIPS, replace=False):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        with refused(f"{path}: torn, or changed since it was made", "delete it and run again: snakemake"):
            read(path)
    path.write_bytes(whole)
    read(path)


@every_kind
def test_a_cut_zeroed_or_swapped_file_is_refused(kind, sealed, tmp_path):
    path, read = sealed
    whole = path.read_bytes()
    other = tmp_path / f"other{KINDS[kind][2]}"
    KINDS[kind][0](other)
    for content in (whole[:-1], whole + b"\0", whole[: len(whole) // 2], bytes(len(whole)), b"", other.read_bytes() + b"\n"):
        path.write_bytes(content)
        with refused(f"{path}: torn"):
            read(path)


@every_kind
def test_a_torn_seal_is_refused(kind, sealed):
    path, read = sealed
    whole = seal.place(path).read_bytes()
    for content in (b"", whole[:-5], whole.replace(b"#", b"!"), b"\xff" + whole, whole + whole):
        seal.place(path).write_bytes(content)
        with refused(f"{path}: its seal .result", "is torn"):
            read(path)


def test_sha256sum_reads_a_seal(tmp_path):
    path = tmp_path / "table.csv"
    store.write_csv(path, TABLE)
    seal.seal(path, DIGEST)
    command = ["sha256sum", "--check", "--strict", seal.place(path).name]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout == "table.csv: OK\n"
    path.write_text("image_id\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def test_a_changed_table_for_people_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    store.write_csv(path, TABLE)
    seal.seal(path, DIGEST)
    assert len(store.read_csv(path)) == 2
    path.write_text(path.read_text().replace("1.25", "1.26"))
    with refused(f"{path}: torn, or changed"):
        store.read_csv(path)


class Job:
    """What Snakemake gives a script, as far as `job` looks."""

    rule, scriptdir = "judge", os.path.dirname(os.path.dirname(store.__file__))

    def __init__(self, folder, inputs=(), output=("out.json",), scriptdir=None):
        told = {"digest": DIGEST, "inputs": {"given": [{"digest": file.digest} for file in inputs]}}
        self.params = type("Params", (), {"job": told})()
        self.input, self.output, self.log = list(map(str, inputs)), [str(folder / one) for one in output], [str(folder / "log")]
        self.scriptdir = scriptdir or self.scriptdir


def test_a_job_seals_all_that_it_made(tmp_path):
    with job(Job(tmp_path, output=("a.json", "b.png"))):
        for name in ("a.json", "b.png"):
            (tmp_path / name).write_text("{}")
    for name in ("a.json", "b.png"):
        assert seal.sealed(tmp_path / name)[0] == DIGEST and seal.check(tmp_path / name)


def test_a_job_that_fails_seals_nothing(tmp_path):
    with pytest.raises(SystemExit, match=r"^judge, .*/log: error: the reason$"), job(Job(tmp_path)):
        (tmp_path / "out.json").write_text("{}")
        raise store.InputError("the reason")
    assert not seal.place(tmp_path / "out.json").exists() and (tmp_path / "log").read_text() == "error: the reason\n"


def test_a_stopped_job_says_so_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"^judge, .*/log: stopped$"), job(Job(tmp_path)):
        raise KeyboardInterrupt


def test_a_job_takes_only_what_is_sealed_by_what_it_expects(tmp_path):
    file = File(str(tmp_path / "in.json"), DIGEST)
    store.write_json(file, METADATA)
    assert_refused(Job(tmp_path, [file]), "in.json: has no seal, so the job that made it did not end well; delete it")
    seal.seal(file, "another")
    assert_refused(Job(tmp_path, [file]), rf"made by other code or parameters \(digest another, expected {DIGEST}\)")
    seal.seal(file, DIGEST)
    given = Given.of(Job(tmp_path, [file]))
    assert store.read_json(given.one("given")) == METADATA


def test_a_job_with_another_library_is_refused(tmp_path):
    line = rf"error: pathattr is taken from .*/scripts; accepted: that of {tmp_path}"
    assert_refused(Job(tmp_path, scriptdir=str(tmp_path)), line)


def assert_refused(told: Job, line: str):
    """The job ends in that line, and does nothing."""
    with pytest.raises(SystemExit, match=line), job(told):
        pytest.fail("the job ran")


# --- writes that fail -----------------------------------------------------------------------------------------------------


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["mkdir", "mkstemp", "write", "chmod", "fsync", "replace"])
def test_each_call_of_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, call, number):
    path = tmp_path / "result.json"
    store.write_json(path, {"old": 1})
    place = {"mkdir": "pathlib.Path.mkdir", "mkstemp": "tempfile.mkstemp", "write": "pathlib.Path.write_text"}.get(
        call, f"os.{call}"
    )
    with (
        monkeypatch.context() as patched,
        refused(f"{path}: cannot be written ({os.strerror(number)}); accepted: a disk with room"),
    ):
        patched.setattr(place, failing(number))
        store.write_json(path, {"new": 2})
    assert store.read_json(path) == {"old": 1} and os.listdir(tmp_path) == ["result.json"]


def write_figure(path):
    figure = matplotlib.figure.Figure()
    figure.subplots().plot(np.random.default_rng(0).normal(size=5000))
    style.save(figure, path)


LARGE = {
    "arrays": lambda path: store.write_arrays(path, {**ARRAYS, "logits": np.zeros((3, 10_000))}, {}),
    "table": lambda path: store.write_table(path, pd.DataFrame({"a": np.random.default_rng(0).normal(size=10_000)}), {}),
    "tensors": lambda path: store.write_tensors(path, {**TENSORS, "weight": np.zeros(10_000)}, {}),
    "json": lambda path: store.write_json(path, {"text": "x" * 20_000}),
    "csv": lambda path: store.write_csv(path, TABLE.sample(10_000, replace=True)),
    "figure.png": write_figure,
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_disk_that_is_full_in_the_middle_of_a_write_leaves_the_old_file(kind, tmp_path):
    path = tmp_path / kind
    path.write_text("old")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with refused(f"{path}: cannot be written (", "File too large"):
            LARGE[kind](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "old" and os.listdir(tmp_path) == [kind]


# --- whose folder it is -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(owner.VARIABLE, "")  # so that it is as it was at the end
    monkeypatch.delenv(owner.VARIABLE)
    return tmp_path


def test_a_job_of_an_older_run_writes_nothing(folder, monkeypatch):
    owner.begin()
    older = os.environ[owner.VARIABLE]
    store.write_json("results/a.json", {"by": "older"})
    owner.begin()
    store.write_json("results/a.json", {"by": "newer"})
    monkeypatch.setenv(owner.VARIABLE, older)
    with refused("another run has begun in this folder"):
        store.write_json("results/a.json", {"by": "older"})
    assert store.read_json("results/a.json") == {"by": "newer"} and set(os.listdir("results")) == {".run", "a.json"}


SLEEPER = "import sys, time; sys.path.insert(0, {scripts!r}); from pathattr import owner; owner.watch(0.05); time.sleep(60)"


def sleeper():
    return subprocess.Popen([sys.executable, "-c", SLEEPER.format(scripts=Job.scriptdir)])


def test_a_new_run_ends_what_is_left_of_the_one_before(folder):
    owner.begin()
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner.begin()
    assert left.wait(10) == -signal.SIGKILL


def test_a_job_ends_with_its_run(folder):
    """Whether the run's process has died, or another run has its place."""
    run = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = f"name {owner.socket.gethostname()} {run.pid} {owner._started(run.pid)}"
    os.environ[owner.VARIABLE] = name
    owner.RUN.write_text(name)
    first, second = sleeper(), sleeper()
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(1.5)
    run.kill()  # and not waited for: a zombie is no run
    assert first.wait(10) != 0 and second.wait(10) != 0
    run.wait()
    third = sleeper()
    assert third.wait(10) != 0


def test_what_killed_writers_left_is_swept(folder):
    store.write_json("results/deep/a.json", {})
    left = folder / "results/deep" / f"{PART}b.json.x"
    left.write_text("half")
    sweep("results")
    assert not left.exists() and os.listdir("results/deep") == ["a.json"]


def test_a_write_outside_of_a_run_asks_nobody(tmp_path, monkeypatch):
    monkeypatch.delenv(owner.VARIABLE, raising=False)
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("a")
    assert (tmp_path / "a").read_text() == "a"
