"""What every registered method promises, present and future: `pathattr.promise.method`."""

import numpy as np

from pathattr import attribute
from pathattr.promise.method import MEMBERS, subjects

from .helpers import assert_same_maps, every_promise, refused

NAMED = subjects()


@every_promise("method", {method.name: method for method in NAMED})
def test_every_method_keeps_its_promises(promise, subject, case):
    promise.keep(subject, case)


def test_counts_may_be_numpys_whole_numbers_but_not_truth_values(smooth):
    found, expected = (attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=steps) for steps in (np.int64(3), 3))
    assert_same_maps(found, expected)
    with refused("steps", "True"):
        attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=True)


def test_every_family_has_members_to_try():
    assert {method.entry.name for method in NAMED if method.entry.facts["family"]} == set(MEMBERS)
