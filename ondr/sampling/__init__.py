"""From a config and sample ids to random worlds: every quantity that a config names is drawn here.

Noise of pixels and of depth is drawn where it is added, and hooks and `mix` draw their own, all from counters as in
`ondr.rng`.
"""

from __future__ import annotations

from ondr.sampling.sampler import Sampler as Sampler
from ondr.sampling.sampler import sample_scene as sample_scene
