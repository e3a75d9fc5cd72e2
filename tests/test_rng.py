"""Counter-based uniforms: known answers, independence of order and batch, and global state left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ondr import rng

FULL = 0xFFFFFFFF
# Random123 1.14.0, kat_vectors: philox4x32 with 10 rounds; counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_known_answers(counter: tuple[int, ...], key: int, expected: tuple[int, ...]) -> None:
    result = rng.philox(tuple(torch.tensor(c) for c in counter), key)
    assert tuple(int(r) for r in result) == expected


@pytest.mark.parametrize(
    ("name", "key"),
    [("objects.count", 0x33E62304), ("lights.intensity", 0x1110092C), ("camera.fov_degrees", 0x03B80DAB)],
)
def test_name_keys_never_change(name: str, key: int) -> None:
    assert rng.name_key(name) == key


@given(
    seed=st.integers(0, 2**64 - 1),
    sample=st.integers(0, 2**63 - 1),
    name=st.integers(0, FULL),
    slot=st.integers(0, FULL),
)
@settings(max_examples=50)
def test_words_agree_with_numpys_philox_written_out(seed: int, sample: int, name: int, slot: int) -> None:
    words = rng.words(seed, torch.tensor([sample]), torch.tensor([name]), torch.tensor([slot]))
    assert words[0, 0].tolist() == _plain_philox([sample & FULL, sample >> 32, name, slot], seed)


def _plain_philox(c: list[int], key: int) -> list[int]:
    k0, k1 = key & FULL, key >> 32
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k0, b & FULL, (a >> 32) ^ c[3] ^ k1, a & FULL]
        k0, k1 = (k0 + 0x9E3779B9) & FULL, (k1 + 0xBB67AE85) & FULL
    return c


def test_words_depend_on_nothing_but_their_key() -> None:
    names, slots = torch.tensor([7, 7, 9]), torch.tensor([0, 1, 0])
    together = rng.words(5, torch.arange(8), names, slots)
    for i in (3, 0, 7):
        for column in (2, 0, 1):
            alone = rng.words(5, torch.tensor([i]), names[column : column + 1], slots[column : column + 1])
            assert torch.equal(together[i, column], alone[0, 0])


def test_seed_zero_is_a_seed() -> None:
    one = torch.zeros(1, dtype=torch.int64)
    assert not torch.equal(rng.words(0, one, one, one), rng.words(1, one, one, one))


def test_uniforms_are_strictly_inside_zero_and_one_and_exact() -> None:
    u = rng.uniform(torch.tensor([0, FULL, 1 << 9]))
    assert u.tolist() == [2.0**-24, 1 - 2.0**-24, 1.5 * 2.0**-23]


def test_uniforms_are_uniform() -> None:
    one = torch.zeros(1, dtype=torch.int64)
    u = rng.uniform(rng.words(0, torch.arange(20_000), one, one)).flatten().numpy()
    # One fixed seed: below 1e-4 the generator is broken.
    assert stats.kstest(u, "uniform").pvalue > 1e-4


def test_global_random_states_are_untouched() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    one = torch.zeros(1, dtype=torch.int64)
    rng.words(0, torch.arange(4), one, one)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])
