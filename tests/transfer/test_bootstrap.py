"""The interval of a mean is the one that a textbook gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.transfer.bootstrap import interval


def test_it_agrees_with_the_normal_approximation() -> None:
    hits = np.arange(400) % 10 < 7
    low, high = interval(lambda places: float(hits[places].mean()), range(400))
    reach = 1.96 * math.sqrt(0.7 * 0.3 / 400)
    # Quantiles of 1,000 draws scatter by about a tenth of the reach.
    assert low == pytest.approx(0.7 - reach, abs=0.2 * reach)
    assert high == pytest.approx(0.7 + reach, abs=0.2 * reach)


def test_only_the_given_places_are_drawn() -> None:
    seen: set[int] = set()
    interval(lambda places: float(len(seen.update(places) or places)), [3, 5, 8], resamples=50)
    assert seen == {3, 5, 8}
