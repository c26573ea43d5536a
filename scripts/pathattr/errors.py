"""Errors that a user can mend: one line that says what was found and what is accepted."""

import traceback
from pathlib import Path

OWN = "pathattr_own_"  # how the names of modules begin that are files of the user's own


class InputError(ValueError):
    """Bad input. Its text is one whole line; jobs print it without a traceback."""


class NotApplicable(InputError):
    """A method is not made for a network of this structure, which is no mistake of anybody's: its text says why.

    Raised where the first image is asked for, before the expensive work. A job then writes a result without rows that holds the
    reason (see `job.job`); whoever reads such a result raises it again.
    """


def place(error: BaseException) -> str:
    """Where in the user's own files an error arose, FILE:LINE; "" for one that did not."""
    frames = traceback.walk_tb(error.__traceback__)
    places = [(frame.f_code.co_filename, line) for frame, line in frames if str(frame.f_globals.get("__name__")).startswith(OWN)]
    return f"{Path(places[-1][0]).name}:{places[-1][1]}" if places else ""


def problem(error: BaseException) -> str:
    """An error on one line: its type and text, and its `place`, if it has one."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return f"{said} ({place(error)})" if place(error) and not isinstance(error, SyntaxError) else said  # whose text has its own
