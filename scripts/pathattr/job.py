"""The frame of a rule's script: its log, its threads, and errors that fit on a line."""

import contextlib
import os
import sys


@contextlib.contextmanager
def job(snakemake):
    """Send output to the rule's log, set torch's threads where it is used, and end a user's error in one line.

    Set PATHATTR_DEBUG=1 for the traceback of such an error too.
    """
    with open(snakemake.log[0], "w", buffering=1) as log:
        sys.stdout = sys.stderr = log
        from .errors import InputError

        try:
            yield
        except InputError as error:
            if os.environ.get("PATHATTR_DEBUG"):
                raise
            print(f"error: {error}", file=log, flush=True)
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            raise SystemExit(1) from None


def use_torch(snakemake) -> str:
    """Make torch deterministic, with the rule's number of threads; the device that the config names."""
    import torch

    from .errors import InputError

    device = snakemake.config["device"]
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch finds no GPU here; accepted: cpu, or a machine and a torch with CUDA")
    torch.set_num_threads(snakemake.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return device
