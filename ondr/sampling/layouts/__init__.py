"""Where things are: one file for each layout, and the table by which a config names them."""

from __future__ import annotations

from collections.abc import Callable

from ondr.sampling.layouts.flying import flying
from ondr.sampling.layouts.things import Placement as Placement
from ondr.sampling.layouts.things import Things as Things
from ondr.settings import Layout

LAYOUTS: dict[Layout, Callable[[Things], Placement]] = {"flying": flying}
