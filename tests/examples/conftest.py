"""The meshes of a cube and a pyramid, for examples as well."""

from tests.loop.conftest import meshes as meshes
