"""A photo's half depends on its name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.transfer.halves import half_of, places_of

FILES = [Path(f"photo_{k}.jpg") for k in range(400)]


def test_the_halves_are_halves() -> None:
    dev, test = places_of(FILES, "dev"), places_of(FILES, "test")
    assert sorted(dev + test) == places_of(FILES, "all") == list(range(400))
    # Binomial: 200 with a standard deviation of 10, and this is five of them.
    assert 150 < len(dev) < 250


def test_a_half_does_not_depend_on_the_folder_or_on_other_photos() -> None:
    assert [half_of(Path("elsewhere") / file) for file in FILES] == [half_of(file) for file in FILES]
    # From `printf photo_0.jpg | sha256sum` and photo_1.jpg: e8 is even, 69 is odd.
    assert half_of(Path("photo_0.jpg")) == "dev"
    assert half_of(Path("photo_1.jpg")) == "test"


def test_an_empty_half_is_an_error() -> None:
    other = next(file for file in FILES if half_of(file) == "dev")
    with pytest.raises(ValueError, match="--half must hold photos, got test of 1, which is empty. Use --half all"):
        places_of([other], "test")
