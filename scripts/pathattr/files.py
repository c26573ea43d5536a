"""A result's path that knows what belongs there, and a write that is whole or not at all. No torch."""

import contextlib
import os
import tempfile
from pathlib import Path

from . import owner
from .errors import InputError


class File(str):
    """A path, with the `digest` of what belongs there (None: anything) and what is known `about` it: model, method, rows, ...

    The readers of `store` compare the digest by themselves, so a file that is opened by this path is checked.
    """

    digest: str | None
    about: dict

    def __new__(cls, path: str, digest: str | None = None, **about):
        file = super().__new__(cls, path)
        file.digest, file.about = digest, about
        return file

    def __getnewargs_ex__(self):
        return (str(self), self.digest), self.about

    def told(self, **about) -> "File":
        """The same file with more about it."""
        return File(str(self), self.digest, **{**self.about, **about})


PART = ".part-"  # how the names of files begin that are being written


@contextlib.contextmanager
def replacing(path):
    """A temporary path in the same folder that takes the place of `path` when the block ends well, and vanishes if not.

    What it holds is on the disk before it takes that place, so that a reader sees the old file or the whole new one, whatever
    happens in between. Raises `InputError` naming the path where it cannot be written, and in a job whose run is no more the one
    at work in this folder.
    """
    path, temporary = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{PART}{path.name}.", suffix=path.suffix)
        os.close(handle)
        yield Path(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        _flush(temporary)
        owner.check()
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be written ({reason}); accepted: a disk with room, a folder open to us") from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)


def sweep(folder):
    """Remove what killed writers left below a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(PART):
                Path(place, name).unlink(missing_ok=True)


def _flush(path):
    """Have the disk hold what was written to a file, or which names a folder has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
