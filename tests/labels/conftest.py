"""The meshes that most tests of labels look at."""

from __future__ import annotations

import pytest

from ondr.assets.bank import Assets
from tests.labels.made import assets_of, solid_meshes


@pytest.fixture(scope="session")
def solids() -> Assets:
    """Three closed meshes of two classes, none of them centred in its file."""
    return assets_of(solid_meshes(), (1, 0, 1))
