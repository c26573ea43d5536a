"""What every registered metric and probe promises, present and future: `pathattr.promise.metric` and `probe`."""

import numpy as np

from pathattr import api, measure
from pathattr.registry import Entry, entries

from .helpers import every_promise, refused


@every_promise("metric", {entry.name: entry for entry in entries("metric")})
def test_every_metric_keeps_its_promises(promise, subject, case):
    promise.keep(subject, case)


@every_promise("probe", {entry.name: entry for entry in entries("probe")})
def test_every_probe_keeps_its_promises(promise, subject, case):
    promise.keep(subject, case)


def test_parameters_go_to_the_metric_its_probe_or_both(smooth, monkeypatch):
    """What both have goes to both, by default as the metric has it; what the probe alone has shapes only what is probed."""

    def scaled(image, *, both: int = 1, alone: int = 10):
        return {"found": np.array([both, alone])}
        yield

    def told(image, attribution, *, both: int = 2, own: int = 3):
        return {"told": (np.arange(4.0), np.array([both, own, *image.probe["found"]]))}
        yield

    made = {
        "probe": Entry("probe", "scaled", scaled),
        "metric": Entry("metric", "told", told, {"probe": "scaled", "retrains": False, "needs": (), "missing": ()}),
    }
    monkeypatch.setattr(api.registry, "get", lambda kind, name: made[kind])

    def values(**options):
        return measure("told", smooth.classifier, smooth.x[:1], [0], smooth.x[:1], **options)["value"].tolist()

    assert values() == [2, 3, 2, 10]
    assert values(both=5, own=6, alone=7) == [5, 6, 5, 7]
    probed = {"found": np.array([[8, 9]])}
    assert values(both=5, probed=probed) == [5, 3, 8, 9]
    with refused("told: alone", "accepted: without them, or without probed"):
        values(alone=7, probed=probed)
    with refused("told: unknown parameter 'other'"):
        values(other=1)
    with refused("scaled: alone is 0", "at least 1"):
        values(alone=0)
