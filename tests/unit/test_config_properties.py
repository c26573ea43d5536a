"""Whatever is changed in the configuration, it loads or ends in lines of one mistake each: never in another exception."""

import copy
import functools

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathattr import InputError
from pathattr.config import load
from pathattr.overlay import merged

from .test_config import ROOT, SCHEMA

SMOKE = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
SMALL = merged(yaml.safe_load((ROOT / "config.yaml").read_text()), SMOKE)
for paper in ("methods", "recalibration", "credible"):  # two papers are enough, and quicker
    SMALL["papers"][paper] = None

WORDS = [
    "",
    "ig",
    "lpi",
    "all",
    "none",
    "vanilla",
    "a/b",
    "../x",
    "5",
    "captum:Occlusion",
    "torchvision.resnet18",
    "{x}",
    "a\nb",
    "\0",
    "é",
]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.sampled_from(WORDS), st.dates(), st.binary(max_size=3)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.integers(0, 3) | st.booleans(), inner, max_size=3)
    ),
    max_leaves=6,
)


@functools.cache
def places() -> tuple:
    """Paths to all that lies in the configuration, itself excluded."""
    found, todo = [], [()]
    while todo:
        path = todo.pop()
        value = functools.reduce(lambda inner, key: inner[key], path, SMALL)
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        found += [(*path, key) for key in keys]
        todo += [(*path, key) for key in keys]
    return tuple(sorted(found, key=str))


MUTATIONS = st.lists(
    st.tuples(st.sampled_from(places()), st.sampled_from(["delete", "replace", "insert", "copy"]), VALUES), min_size=1, max_size=2
)


def mutated(mutations) -> dict:
    config = copy.deepcopy(SMALL)
    for path, action, value in mutations:
        place = config
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]]
        except (KeyError, IndexError, TypeError):  # an earlier mutation has taken it away
            continue
        if action == "delete":
            del place[path[-1]]
        elif action == "insert" and isinstance(place[path[-1]], list):
            place[path[-1]].append(value)
        elif action == "insert" and isinstance(place[path[-1]], dict):
            place[path[-1]]["inserted"] = value
        elif action == "copy" and isinstance(place, dict):
            place["copied"] = copy.deepcopy(place[path[-1]])
        else:
            place[path[-1]] = value
    return config


@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(MUTATIONS)
def test_any_change_loads_or_is_told_in_lines(mutations):
    try:
        load(mutated(mutations), SCHEMA)
    except InputError as error:
        for line in str(error).splitlines():
            assert line.startswith("config: ") and ("accepted" in line or "needs" in line), line
