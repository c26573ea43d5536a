"""What every registered kind of figure, table and claim promises, present and future: `pathattr.promise.artefact` and `claim`.

Captions of all; drawing and judging of some that take little (`make check` draws any). Each on its own is tested elsewhere.
"""

import functools

import pytest

from pathattr import source
from pathattr.promise import promises, subject

DRAWN = ("count_curves", "la_gains", "randomised_labels")
JUDGED = ("chain", "mean_paired", "slope_paired", "level", "equivalence", "trend", "share", "exact")


class Later:
    """The subject of a name, made when it is first asked for."""

    def __init__(self, kind: str, name: str):
        self.kind, self.name = kind, name

    @functools.cached_property
    def subject(self):
        return subject(self.kind, self.name)


def every(kind: str, chosen=()):
    return [
        pytest.param(promise, Later(kind, name), id=f"{promise}-{name}")
        for name in source.registered(kind)
        for number, promise in enumerate(promises(kind))
        if number == 0 or name in chosen
    ]


@pytest.mark.parametrize("promise, later", every("artefact", DRAWN))
def test_every_artefact_keeps_its_promises(promise, later):
    promise.keep(later.subject)


@pytest.mark.parametrize("promise, later", every("claim", JUDGED))
def test_every_claim_keeps_its_promises(promise, later):
    promise.keep(later.subject)
