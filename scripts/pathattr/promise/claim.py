"""What every kind of claim promises, tried on invented results (`invented`)."""

import json

from ..judging import AGAINST, FOR, OPEN, VERDICTS, Judged, NotRun, verdict
from . import hold, promise
from .invented import Drawing, drawing

ABOUT = {"paper": "", "id": "", "says": "", "where": "", "artefacts": [], "digest": "", "models": {}}
TIMED = {"locating_share"}  # it measures times itself


def subject(name: str) -> Drawing:
    """The kind of claim of that name, by the first entry of config.yaml that uses it."""
    return drawing("claim", name)


def written(subject) -> str:
    """Its verdict as it is written."""
    found = verdict(judged(subject), ABOUT)
    hold(found["verdict"] in VERDICTS, f"verdict {found['verdict']!r}")
    return json.dumps(found, allow_nan=False)


def judged(subject) -> Judged:
    try:
        found = subject.run()
    except NotRun as reason:
        return reason.judged
    hold(isinstance(found, Judged), f"it returns {type(found).__name__}; accepted: a Judged")
    return found


@promise("claim")
def says_what_it_compares(subject):
    """A docstring that says what is compared."""
    hold(subject.known.doc.strip(), "no docstring")


@promise("claim")
def judges_from_what_it_needs(subject):
    """From what its `needs` name and nothing else it finds cells: a label, an estimate in its interval, a side; or says why not."""
    found = judged(subject)
    hold(found.reason or found.cells, "no cells")
    hold(found.reason or found.compared.strip(), "it does not say what it compares")
    for cell in found.cells:
        missing = {"label", "estimate", "low", "high", "n", "side"} - cell.keys()
        hold(found.exact or not missing, f"a cell has no {', '.join(sorted(missing))}")
        hold(cell["side"] in (FOR, AGAINST, OPEN), f"side {cell['side']!r}; accepted: {FOR}, {AGAINST}, {OPEN}")
        if not found.exact:
            hold(cell["low"] <= cell["estimate"] <= cell["high"], f"{cell['label']}: {cell['estimate']} is not in its interval")


@promise("claim")
def ends_in_a_verdict(subject):
    """What it finds is a verdict that can be written."""
    written(subject)


@promise("claim", when=lambda subject: subject.known.name not in TIMED)
def finds_the_same_again(subject):
    """The same results give the same verdict, to every number."""
    hold(written(subject) == written(subject), "another verdict the second time")
