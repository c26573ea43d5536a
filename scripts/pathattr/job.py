"""The frame of a rule's script: its log, its threads, and errors that fit on a line."""

import atexit
import contextlib
import gc
import os
import sys
import traceback

from .errors import InputError

# The libraries make half a million objects that live to the end; walking them over and over, and once more at exit, costs
# 1 s of a 2.5 s job. Collect seldom, and not at exit.
gc.set_threshold(200_000, 20, 100)
atexit.register(gc.freeze)


@contextlib.contextmanager
def job(snakemake):
    """Send output to the rule's log; end a user's error in one line, there and on the terminal, any other with a traceback.

    Set PATHATTR_DEBUG=1 for the traceback of a user's error too.
    """
    problem = None
    with open(snakemake.log[0], "w", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            yield
        except Exception as error:
            known = isinstance(error, InputError) and not os.environ.get("PATHATTR_DEBUG")
            problem = f"error: {error}" if known else traceback.format_exc()
            print(problem)
    if problem:
        sys.exit(f"{snakemake.rule}, {snakemake.log[0]}: {problem}")


def use_torch(snakemake) -> str:
    """Make torch deterministic, with the rule's number of threads; the device that the config names."""
    import torch

    device = snakemake.config["device"]
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch finds no GPU here; accepted: cpu, or a machine and a torch with CUDA")
    torch.set_num_threads(snakemake.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)  # some backward kernels have no such form
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return device
