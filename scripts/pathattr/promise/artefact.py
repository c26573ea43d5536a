"""What every kind of figure or table promises, tried on invented results (`invented`)."""

import tempfile
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ..plot import style, tables
from . import hold, promise
from .invented import Drawing, drawing


def subject(name: str) -> Drawing:
    """The kind of artefact of that name, by the first entry of config.yaml that uses it."""
    return drawing("artefact", name)


def drawn(subject) -> tuple:
    """What it gives: (figure or None, data, as shown)."""
    style.use()
    found = subject.run()
    hold(
        isinstance(found, tuple) and len(found) == 2,
        f"it returns {type(found).__name__}; accepted: (figure, data), or (data, shown)",
    )
    return (None, *found) if subject.known.facts.get("table") else (found[0], found[1], found[1])


@promise("artefact")
def has_a_caption(subject):
    """Its docstring is a caption, each of whose {fields} is one of its parameters."""
    hold(subject.known.doc.strip(), "no docstring")
    hold(subject.caption.strip(), "an empty caption")


@promise("artefact")
def draws_from_what_it_needs(subject):
    """From what its `needs` name and nothing else it draws a figure, or makes a table, with the numbers behind it."""
    figure, data, shown = drawn(subject)
    for table in (data, shown):
        hold(
            isinstance(table, pd.DataFrame) and len(table),
            f"its numbers are {type(table).__name__}; accepted: a pandas table with rows",
        )
    with tempfile.TemporaryDirectory() as folder:
        tables.write_html(Path(folder, "page.html"), shown, subject.caption)
        if not subject.known.facts.get("table"):
            hold(isinstance(figure, Figure) and figure.axes, f"it draws {type(figure).__name__}; accepted: a figure with axes")
            style.save(figure, Path(folder, "figure.pdf"), Path(folder, "figure.png"))


@promise("artefact")
def gives_the_same_again(subject):
    """The same results give the same numbers."""
    hold(drawn(subject)[1].equals(drawn(subject)[1]), "other numbers the second time")
