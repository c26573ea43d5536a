"""What every registered way to compute baselines promises, present and future: `pathattr.promise.baseline`."""

from pathattr import baselines
from pathattr.registry import entries

from .helpers import every_promise, refused


@every_promise("baseline", {entry.name: entry for entry in entries("baseline")})
def test_every_way_keeps_its_promises(promise, subject, case):
    promise.keep(subject, case)


def test_an_unknown_way_is_refused_with_those_known(smooth):
    with refused("'nope'", *(entry.name for entry in entries("baseline"))):
        baselines("nope", smooth.classifier, smooth.x, smooth.target)
