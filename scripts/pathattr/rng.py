"""Keyed random draws: what is drawn depends on the key and on nothing else.

A draw never depends on the order of the images, on their batch, on their shard or on the number of workers,
because no generator is shared: every use makes its own from the seed and a key that names the use.
"""

import hashlib

import numpy as np


class _Key(np.random.bit_generator.ISeedSequence):
    """Two words that a Philox generator takes for its key: with `key=` it also draws a seed from the system and throws it away."""

    def __init__(self, words: np.ndarray):
        self.words = words

    def generate_state(self, n_words, dtype=np.uint32):
        assert (n_words, dtype) == (2, np.uint64), "a Philox key is two words of 64 bits"
        return self.words


def generator(seed: int, *key) -> np.random.Generator:
    """A NumPy generator for the draws named by `key`.

    Parameters: `seed` is the study's seed; `key` is any number of strings and integers, by convention
    (method, image id, purpose). Equal arguments give equal streams on every machine; different ones give
    independent streams (a counter-based Philox generator keyed by a SHA-256).
    """
    text = "\x1f".join(str(part) for part in (seed, *key))
    words = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(_Key(words)))
