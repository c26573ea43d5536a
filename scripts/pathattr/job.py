"""The frame of a rule's script: what it was given, its log, its threads, the seals of what it made, errors that fit on a line."""

import atexit
import contextlib
import ctypes
import gc
import os
import sys
import traceback
from pathlib import Path

from . import owner, seal
from .errors import InputError, NotApplicable, place, problem
from .files import File

# The libraries make half a million objects that live to the end; walking them over and over, and once more at exit, costs
# 1 s of a 2.5 s job. Collect seldom, and not at exit.
gc.set_threshold(200_000, 20, 100)
atexit.register(gc.freeze)


class Given:
    """What the plan gave a job: `params["digest"]` of its result and other `params`, and its input files by role.

    `given["scores"]`: the `File`s of a role, which readers check by their digests; `given.one("weights")`: the only one.
    """

    def __init__(self, inputs: dict[str, list[File]], params: dict):
        self.inputs, self.params = inputs, params

    @classmethod
    def of(cls, snakemake) -> "Given":
        """What a rule with `params: job=plan.params(...)` was given; paths as Snakemake has them, in the plan's order.

        Raises `InputError` for a result that has no seal, or that of another one.
        """
        params = dict(snakemake.params.job)
        files = iter(snakemake.input)
        inputs = {role: [File(str(next(files)), **about) for about in abouts] for role, abouts in params.pop("inputs", {}).items()}
        for file in (file for files in inputs.values() for file in files if file.digest):
            seal.check_made_by(file, file.digest)
        return cls(inputs, params)

    def __getitem__(self, role: str) -> list[File]:
        return self.inputs[role]

    def one(self, role: str) -> File:
        """The file of a role that has one."""
        (file,) = self.inputs[role]
        return file

    def split(self, role: str):
        """The split of a dataset (`dataset.split.Split`) whose files have that role."""
        from .dataset.split import open_split

        file = self.inputs[role][0]
        return open_split(file.about["entry"], file.about["split"], file, file.about["seed"], file.digest)


@contextlib.contextmanager
def job(snakemake, may_not_apply: bool = False):
    """Yield the `Given`; send output to the rule's log; seal what was made. End a user's error, or one in a user's own file, in one
    line, there and on the terminal, any other with a traceback. `may_not_apply`: where the method is none for the network, the
    result is a file without rows that says why, and the job ends well.

    Set PATHATTR_DEBUG=1 for the traceback of a user's error too.
    """
    ended, planned = None, getattr(snakemake.params, "job", None)
    owner.watch()
    with _log(snakemake.log[0]) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            _check_library(Path(snakemake.scriptdir))
            given = Given.of(snakemake) if planned else None
            try:
                yield given
            except NotApplicable as reason:
                if not may_not_apply:
                    raise
                _write_reason(snakemake.output[0], str(reason), planned["digest"])
            for path in snakemake.output if planned else ():
                seal.seal(path, planned["digest"])
        except KeyboardInterrupt:
            ended = "stopped"
        except (Exception, SystemExit) as error:
            line = str(error) if isinstance(error, InputError) else problem(error) if place(error) else ""
            ended = f"error: {line}" if line and not os.environ.get("PATHATTR_DEBUG") else traceback.format_exc()
        if ended:
            print(ended)
    if ended:
        sys.exit(f"{snakemake.rule}, {snakemake.log[0]}: {ended}")


def _write_reason(path: str, reason: str, digest: str):
    from .store import write_not_applicable

    write_not_applicable(path, reason, digest)
    print(f"not applicable: {reason}")


def _log(path: str):
    try:
        return open(path, "w", buffering=1)
    except OSError as error:
        sys.exit(f"error: {path}: cannot be written ({error.strerror}); accepted: a disk with room, a folder open to us")


def _check_library(scripts: Path):
    """Raise `InputError` unless this library is the one beside the rules' scripts, whose digest the results bear."""
    if Path(__file__).resolve().parents[1] != scripts.resolve():
        raise InputError(f"pathattr is taken from {Path(__file__).parents[1]}; accepted: that of {scripts}, first on PYTHONPATH")


def use_torch(snakemake) -> str:
    """Make torch deterministic, with the rule's number of threads; the device that the config names."""
    import torch

    device = snakemake.config["device"]
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch finds no GPU here; accepted: cpu, or a machine and a torch with CUDA")
    keep_freed_memory()
    torch.set_num_threads(snakemake.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Some backward kernels have no such form. `use_deterministic_algorithms` does the same, and imports torch's compiler: a second.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return device


# Of glibc's malloc.h: blocks from this size on are the kernel's own, and so much freed memory at the heap's end is kept.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory():
    """Let the next micro-batch have the memory of the last one: given back and asked for again, each of its pages is a page fault,
    up to a quarter of a small network's time on a CPU (`tests/speed/allocator.py`). Only glibc can."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for parameter, size in ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, 256 << 20), (_M_TOP_PAD, 64 << 20)):
        mallopt(parameter, size)
