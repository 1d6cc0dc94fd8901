"""One documented hash for every assignment, so that an analyst can redo it."""

import hashlib

import numpy as np
from numpy.typing import NDArray

# Named in every exposure's evidence; a change of the arithmetic below is a new name.
HASH_VERSION = "splitmix64-1"

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def fractions(salt: str, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in [0, 1) for each id: even, independent between salts, the same on every machine.

    The first 8 bytes (little-endian) of SHA-256 of the salt are added to the id, and the sum goes through
    splitmix64; its upper 53 bits divided by 2**53 are the result.
    Source: Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators, OOPSLA.
    """
    start = np.frombuffer(hashlib.sha256(salt.encode()).digest()[:8], dtype="<u8")[0]
    with np.errstate(over="ignore"):
        mixed = ids.astype(np.uint64) + start + _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        mixed = mixed ^ (mixed >> np.uint64(31))
    fraction: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return fraction
