"""From a config and sample ids to random worlds. Nothing outside this folder draws."""

from __future__ import annotations

from ondr.sampling.sampler import Sampler as Sampler
from ondr.sampling.sampler import sample_scene as sample_scene
