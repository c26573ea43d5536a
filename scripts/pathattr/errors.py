"""Errors that a user can mend: one line that says what was found and what is accepted."""


class InputError(ValueError):
    """Bad input. Its text is one whole line; jobs print it without a traceback."""
