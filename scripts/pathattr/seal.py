"""Seals: beside every result, hidden, its SHA-256 and the digest of what made it, so that no byte of it changes unseen.

The seal of `NAME` is `.NAME.sha256`, which `sha256sum -c` reads too. A job writes those of its outputs as its last act.
"""

import functools
import hashlib
import os
import re
from pathlib import Path

from .errors import InputError
from .files import replacing

AGAIN = "PATHATTR_AGAIN"  # the command of this run, for advice


def place(path) -> Path:
    """Where a file's seal is."""
    return Path(path).with_name(f".{Path(path).name}.sha256")


def seal(path, digest: str):
    """Write the seal of a file as it is now, made by what `digest` stands for."""
    with replacing(place(path)) as temporary:
        temporary.write_text(f"# digest {digest}\n{_sum(path)}  {Path(path).name}\n")


def sealed(path) -> tuple[str, str] | None:
    """The digest and the SHA-256 that a file's seal says; None where it has none. Raises `InputError` for one that is torn."""
    try:
        text = place(path).read_bytes()
    except FileNotFoundError:
        return None
    found = re.fullmatch(rb"# digest (\S+)\n([0-9a-f]{64})  %b\n" % re.escape(Path(path).name.encode()), text)
    if not found:
        raise InputError(f"{path}: its seal {place(path).name} is torn; {remake()}")
    return found[1].decode(), found[2].decode()


def check(path) -> bool:
    """Whether a file has a seal. Raises `InputError` where the file is not, byte for byte, the one that was sealed."""
    found = sealed(path)
    if found and _sum(path) != found[1]:
        raise InputError(f"{path}: torn, or changed since it was made (SHA-256 differs from its seal's); {remake()}")
    return found is not None


def check_made_by(path, digest: str):
    """Raise `InputError` unless a file has a seal that says it was made by what `digest` stands for. Its bytes are not read."""
    found = sealed(path)
    if not found:
        raise InputError(f"{path}: has no seal, so the job that made it did not end well; {remake()}")
    if found[0] != digest:
        raise InputError(stale(path, found[0], digest))


def stale(path, found: str | None, digest: str) -> str:
    """What is said of a file that something else made."""
    return f"{path}: made by other code or parameters (digest {found}, expected {digest}); {remake()}"


def remake() -> str:
    """How a file that is of no use is made again."""
    return f"delete it and run again: {os.environ.get(AGAIN, 'snakemake --cores all')} (make verify finds all such files)"


def _sum(path) -> str:
    about = os.stat(path)
    return _sum_of(str(path), (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns))


@functools.cache
def _sum_of(path: str, state: tuple) -> str:
    """SHA-256 of a file, read once a process as long as its `state` is the same."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
