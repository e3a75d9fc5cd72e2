"""Checks the shapes and types in annotations while tests run."""

from __future__ import annotations

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# What computes with tensors. Left out: settings and config, whose validators pydantic calls with types of its own,
# files named numba, which the hook would break, and the command line.
CHECKED = """
    assets batch boxes color drawing.sheet draws export.cuboids export.formats export.pictures geometry harmonics
    imaging.appearance imaging.background imaging.blur imaging.compose imaging.fragments imaging.points
    imaging.shade_points imaging.light_view imaging.lighting imaging.patterns imaging.photometric imaging.pipeline
    imaging.shading imaging.shadow_maps imaging.shadows imaging.environment imaging.texture labels laws loop.collate
    noise place planes raster.limits raster.visibility render rng sampling scene surface temperature views
"""

check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def install() -> None:
    """Makes imports from now on check their annotations."""
    install_import_hook([f"ondr.{name}" for name in CHECKED.split()], "tests.typecheck.check")
