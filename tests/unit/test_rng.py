"""Keyed random draws."""

import itertools

import pytest

from pathattr.integrate import draws
from pathattr.rng import generator

KEYS = [
    (0,),
    (1,),
    (0, "eg"),
    (0, "lpi"),
    (0, "eg", "a"),
    (0, "eg", "b"),
    (0, "eg", "a", "alpha"),
    (0, "eg", "a", "references"),
    (-1,),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_same_key_gives_the_same_stream(key):
    assert generator(*key).random(100).tolist() == generator(*key).random(100).tolist()


def test_different_keys_give_different_streams():
    streams = {key: tuple(generator(*key).integers(2**63, size=8)) for key in KEYS}
    assert all(streams[first] != streams[second] for first, second in itertools.combinations(KEYS, 2))


def test_a_key_is_its_parts_and_not_their_concatenation():
    assert generator(0, "ab", "c").random() != generator(0, "a", "bc").random()
    assert generator(0, "a", "").random() != generator(0, "a").random()


def test_numbers_and_text_make_the_same_key():
    assert generator(0, "bootstrap", 300).random() == generator(0, "bootstrap", "300").random()


def test_draws_of_an_image_are_keyed_by_seed_method_image_and_purpose():
    of_image = draws(3, "eg", "test-000001")
    assert of_image("alpha").random() == of_image("alpha").random() == generator(3, "eg", "test-000001", "alpha").random()
    assert of_image("alpha").random() != of_image("references").random()


@pytest.mark.parametrize(
    "key, call, expected",
    [
        (
            (0, "eg", "test-000001", "alpha"),
            lambda rng: rng.integers(2**32, size=4),
            [4151577169, 4027598036, 2909353352, 598017964],
        ),
        (
            (0, "eg", "test-000001", "alpha"),
            lambda rng: rng.random(3, dtype="float32"),
            [0.9666143655776978, 0.9377481937408447, 0.6773865818977356],
        ),
        ((7, "bootstrap", 300), lambda rng: rng.permutation(8), [6, 3, 0, 1, 2, 4, 7, 5]),
        ((0,), lambda rng: rng.choice(100, 5, replace=False), [91, 80, 17, 49, 70]),
    ],
    ids=["integers", "random", "permutation", "choice"],
)
def test_streams_are_the_same_on_every_machine_and_in_every_version(key, call, expected):
    assert call(generator(*key)).tolist() == expected


def test_streams_are_uniform_and_uncorrelated():
    first, second = (generator(0, "eg", name, "alpha").random(20000) for name in ("a", "b"))
    assert abs(first.mean() - 0.5) < 0.01 and abs(first.var() - 1 / 12) < 0.002
    assert abs(((first - 0.5) * (second - 0.5)).mean()) < 0.003
