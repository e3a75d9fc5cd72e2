"""The projection of meshes without texture coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from ondr.assets.normals import face_normals
from ondr.assets.uvs import project_uvs

from .makers import CUBE_TRIANGLES, CUBE_VERTICES


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_longest_side_is_one_repeat(scale):
    corners = (CUBE_VERTICES * [scale, scale / 2, scale / 4])[CUBE_TRIANGLES]
    uvs = project_uvs(corners, face_normals(corners))
    top = face_normals(corners)[:, 2] > 0.5
    np.testing.assert_allclose(np.ptp(uvs[top].reshape(-1, 2), axis=0), [1, 0.5])


def test_texture_is_unmirrored_seen_from_outside():
    # On every face, u to the right and v down turn the other way round than the corners do.
    corners = CUBE_VERTICES[CUBE_TRIANGLES]
    uvs = project_uvs(corners, face_normals(corners))
    a, b = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    np.testing.assert_allclose(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], -1)


def test_texture_stands_upright_on_the_sides():
    corners = CUBE_VERTICES[CUBE_TRIANGLES]
    normals = face_normals(corners)
    sides = np.abs(normals[:, 2]) < 0.5
    uvs = project_uvs(corners, normals)
    np.testing.assert_allclose(uvs[sides][..., 1], -corners[sides][..., 2])
