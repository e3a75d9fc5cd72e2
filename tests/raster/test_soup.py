"""The tensor half of the CUDA rasterizer, on the CPU: its triangles drawn by a plain rasterizer of a few lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.raster import NEAR_METRES
from ondr.raster.soup import (
    NOWHERE,
    SKIPPED,
    SNAPPED,
    SUBPIXELS,
    Soup,
    clip_matrix,
    decode_ids,
    homogeneous_area,
    make_soup,
    screen_area,
    seen_by_pixels,
    seen_ids,
)
from ondr.scene import Instances
from tests.raster.test_rules import facing, sheet, world
from tests.worlds import bank_from_meshes, pinhole, place

TO_SPARE = 3
"""Triangles for which there is room beside those of a batch."""


def soup_of(bank: Bank, instances: Instances, k: Tensor, size: tuple[int, int]) -> Soup:
    """Returns the triangles of a batch, without the room to spare, which must be skipped."""
    soup = make_soup(bank, instances, k, size, int(instances.triangle_count.sum()) + TO_SPARE)
    spare = slice(-TO_SPARE, None)
    assert (soup.kind[spare] == SKIPPED).all()
    assert (soup.corners[spare] == torch.tensor(NOWHERE)).all()
    assert (soup.instance[spare] == instances.triangle_count.numel()).all()
    parts = {name: getattr(soup, name)[:-TO_SPARE] for name in ("corners", "points", "kind", "instance")}
    return replace(soup, **parts)


def rows_of(soup: Soup) -> Tensor:
    """Returns the row of the bank's triangles that each triangle is."""
    return soup.shift[soup.instance] + torch.arange(len(soup.instance))


def draw(soup: Soup, size: tuple[int, int], images: int, slots: int) -> np.ndarray:
    """Draws clip triangles in float64 by homogeneous coordinates, [images, H, W]: rows of the soup, -1 for none.

    Pixel (column, row) lies at clip x = (2 column + 1) / W - 1 and y = (2 row + 1) / H - 1, as nvdiffrast has it; what
    lies outside -w <= z <= w is cut off, the least z / w wins.
    """
    rows, columns = np.mgrid[: size[0], : size[1]]
    ray = np.stack([(2 * columns + 1) / size[1] - 1, (2 * rows + 1) / size[0] - 1, np.ones(size)], axis=-1)
    nearest, seen = np.full((images, *size), np.inf), np.full((images, *size), -1)
    for t, corners in enumerate(soup.corners.double().numpy()):
        image = int(soup.instance[t]) // slots
        with np.errstate(all="ignore"):
            try:
                weights = ray @ np.linalg.inv(corners[:, [0, 1, 3]])
            except np.linalg.LinAlgError:
                continue
            depth = weights @ corners[:, 2] / weights.sum(axis=-1) * weights.sum(axis=-1)
            inside = (weights >= 0).all(axis=-1) & (np.abs(depth) <= 1) & (depth <= nearest[image])
        nearest[image][inside], seen[image][inside] = depth[inside], t
    return seen


def test_the_triangles_of_a_batch_are_those_that_numba_draws() -> None:
    bank, instances, k, _ = world()
    size = (48, 64)
    k = k * torch.tensor([[0.5], [0.5], [1.0]])
    soup = soup_of(bank, instances, k, size)
    seen = draw(soup, size, 3, 6)
    expected = raster.visible(bank, instances, k, size)
    found = torch.zeros(*seen.shape, 4)
    found[..., 3] = torch.from_numpy(seen + 1)
    triangle, slot = (plane.numpy() for plane in seen_ids(found, soup.instance, soup.shift, 6))
    # Unrounded here, rounded to 1/256 pixel there: pixels whose centre lies next to an edge differ.
    assert (triangle != expected.triangle.numpy()).mean() < 0.005
    assert (slot != expected.slot.numpy()).mean() < 0.002
    assert (seen >= 0).mean() > 0.15


def test_a_floor_under_the_camera_is_cut_at_the_near_plane() -> None:
    mesh, size = sheet(2, side=40.0), (40, 50)
    pose = torch.tensor([[1.0, 0, 0, 0.3], [0, 0, -1, 0.5], [0, 1, 0, 0.1]])
    bank = bank_from_meshes([mesh])
    what = bank, place(bank, [[0]], pose[None, None]), pinhole(30.0, *size), size
    soup = soup_of(*what)
    seen = draw(soup, size, 1, 1)
    expected = raster.visible(*what).triangle.numpy()
    assert not (soup.kind == SNAPPED).all()
    assert (np.where(seen >= 0, rows_of(soup).numpy()[seen], -1) == expected).mean() > 0.99


def test_clip_coordinates_are_those_of_the_pinhole() -> None:
    generator = torch.Generator().manual_seed(0)
    pose = torch.randn(2, 3, 3, 4, generator=generator)
    k = torch.tensor([[[90.0, 3.0, 70.0], [0.0, -80.0, 40.0], [0.0, 0.0, 1.0]]]).repeat(2, 1, 1)
    size, point = (60, 100), torch.randn(3, generator=generator)
    matrix, flip = clip_matrix(pose, k, size)
    camera = pose[..., :3] @ point + pose[..., 3]
    x, y, w = (matrix[..., :3] @ point + matrix[..., 3]).unbind(-1)
    pixel = torch.einsum("bij,bsj->bsi", k, camera / camera[..., 2:])
    assert torch.allclose(w, camera[..., 2], atol=1e-6)
    assert torch.allclose((x / w + 1) * 50, pixel[..., 0], rtol=1e-4)
    assert torch.allclose((y / w + 1) * 30, pixel[..., 1], rtol=1e-4)
    assert torch.equal(flip, -torch.linalg.det(pose[..., :3]).sign())


def test_triangles_are_listed_image_by_image_and_slot_by_slot() -> None:
    soup = soup_of(*world())
    instances = world()[1]
    expected = [
        (int(first) + j, number)
        for number, (first, count) in enumerate(
            zip(instances.first_triangle.flatten(), instances.triangle_count.flatten(), strict=True)
        )
        for j in range(int(count))
    ]
    assert list(zip(rows_of(soup).tolist(), soup.instance.tolist(), strict=True)) == expected


def test_depths_use_the_range_that_an_image_needs() -> None:
    bank, size = bank_from_meshes([sheet(1)]), (10, 10)
    poses = torch.stack([facing(z) for z in (2.0, 3.0, 5.0, NEAR_METRES / 2)]).view(2, 2, 3, 4)
    soup = soup_of(bank, place(bank, [[0, 0], [0, 0]], poses), pinhole(10.0, *size, 2), size)
    z, w = soup.corners[:, 0, 2].double(), soup.corners[:, 0, 3].double()
    first = soup.instance < 2
    # The first image lies between 2 and 3 m: its depths reach from one end of -1..1 to the other.
    ratio = (z / w)[first]
    assert ratio.min() == pytest.approx(-1, abs=0.1)
    assert ratio.max() == pytest.approx(1, abs=0.1)
    assert (ratio.abs() <= 1).all()
    # In the second image a sheet lies nearer than the near plane: it is cut off, and the other is not.
    near = soup.instance == 3
    assert (z[near] < -w[near]).all()
    assert (z / w)[soup.instance == 2].abs().max() <= 1


def test_only_back_faces_of_closed_meshes_are_left_out() -> None:
    ball, size = trimesh.creation.icosphere(1, 0.5), (80, 80)
    bank = bank_from_meshes([ball, ball], closed=[True, False])
    pose = facing(3.0).expand(1, 2, 3, 4).contiguous()
    for flipped in (False, True):
        k = pinhole(100.0, *size)
        k[:, 0, 0] *= -1 if flipped else 1
        soup = soup_of(bank, place(bank, [[0, 1]], pose), k, size)
        front = ((ball.triangles_center + np.array([0, 0, 3])) * ball.face_normals).sum(axis=1) < 0
        assert np.array_equal(soup.kind[soup.instance == 0].numpy() != SKIPPED, front)
        assert (soup.kind[soup.instance == 1] != SKIPPED).all()
        assert (soup.corners[soup.kind == SKIPPED] == torch.tensor(NOWHERE)).all()


def test_triangles_that_are_not_finite_are_left_out_and_leave_others_alone() -> None:
    mesh, size = sheet(4), (50, 50)
    bank = bank_from_meshes([mesh])
    what = place(bank, [[0]], facing(1.2)[None, None]), pinhole(60.0, *size), size
    whole = soup_of(bank, *what)
    for value in (float("nan"), float("inf")):
        vertices = bank.vertices.clone()
        vertices[12, 1] = value
        soup = soup_of(replace(bank, vertices=vertices), *what)
        drawn = soup.kind != SKIPPED
        assert np.array_equal(drawn.numpy(), ~(mesh.faces == 12).any(axis=1))
        assert soup.corners.isfinite().all()
        assert torch.equal(soup.corners[drawn], whole.corners[drawn])


def test_points_are_the_corners_in_sixteenths_of_a_pixel() -> None:
    soup = soup_of(*world())
    corners = soup.corners.double()
    exact = (corners[..., :2] / corners[..., 3:] + 1) / 2 * torch.tensor([128.0, 96.0])
    usable = soup.kind == SNAPPED
    off = (soup.points / SUBPIXELS - exact).abs()[usable]
    # Half a sixteenth, and what float32 adds.
    assert off.max() <= 0.5 / SUBPIXELS + 1e-4
    assert usable.float().mean() > 0.2


def test_both_areas_have_one_sign() -> None:
    soup = soup_of(*world())
    usable = soup.kind == SNAPPED
    area = screen_area([point.unbind(-1) for point in soup.points[usable].unbind(1)])
    sure = area.abs() > 100 * SUBPIXELS
    assert sure.any()
    corners = [corner.unbind(-1) for corner in soup.corners[usable][..., [0, 1, 3]].unbind(1)]
    assert (area.sign() == homogeneous_area(corners).sign())[sure].all()


def test_ids_of_any_size_are_decoded() -> None:
    ids = torch.tensor([0, 1, 2, 2**24 - 1, 2**24, 2**24 + 1, 2**24 + 2, 2**26 + 12345], dtype=torch.int64)
    # The library's own rule (common.h, triidx_to_float).
    coded = torch.where(ids <= 2**24, ids.float(), (ids + 0x4A800000).int().view(torch.float32))
    assert decode_ids(coded).tolist() == (ids - 1).tolist()


def test_what_is_skipped_is_drawn_nowhere() -> None:
    # Outside the frustum on one side: nvdiffrast drops such a triangle at once.
    assert NOWHERE[0] > NOWHERE[3]


def test_no_triangles() -> None:
    bank = bank_from_meshes([sheet(1)])
    instances = place(bank, torch.full((2, 3), -1), torch.zeros(2, 3, 3, 4))
    soup = soup_of(bank, instances, pinhole(10.0, 8, 8, 2), (8, 8))
    assert len(soup.kind) == len(soup.corners) == 0


@pytest.mark.slow
def test_compiled_triangles_and_ids_are_those_of_the_definition() -> None:
    bank, instances, k, size = world()
    total = int(instances.triangle_count.sum())
    plain, soup = (make_soup(bank, instances, k, size, total + TO_SPARE, compile=c) for c in (False, True))
    assert torch.equal(soup.instance, plain.instance)
    # Compiled, products and sums are rounded once: a triangle on edge may be culled by one of them.
    same = soup.kind == plain.kind
    assert same.double().mean() > 0.999
    drawn = same & (plain.kind != SKIPPED)
    torch.testing.assert_close(soup.corners[drawn], plain.corners[drawn], rtol=1e-4, atol=1e-4)
    snapped = same & (plain.kind == SNAPPED)
    assert (soup.points[snapped] - plain.points[snapped]).abs().max() <= 1
    found = torch.zeros(len(k), 5, 7, 4)
    found[..., 3] = torch.randint(0, total + 1, found.shape[:3], generator=torch.Generator().manual_seed(0))
    ids, expected = (seen_by_pixels(plain, found, instances.triangle_count.shape[1], compile=c) for c in (True, False))
    assert all(torch.equal(a, b) for a, b in zip(ids, expected, strict=True))
    assert [plane.dtype for plane in ids] == [torch.int32, torch.int16]
