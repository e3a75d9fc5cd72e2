"""How far a figure would be off on other photos of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95


def interval(
    score: Callable[[Sequence[int]], float], places: Sequence[int], resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Returns the bounds between which 95 % of the figures of photos drawn with replacement lie.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife"; the percentile interval.

    Args:
        score: Takes places of photos, of which one can come several times, to the figure.
        places: Of the photos.
        resamples: How many times photos are drawn.
    """
    # Of its own seed, so that two runs on the same photos are compared on the same draws.
    random = np.random.default_rng(0)
    drawn = random.choice(np.asarray(places), (resamples, len(places)))
    low, high = np.quantile([score(row.tolist()) for row in drawn], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
