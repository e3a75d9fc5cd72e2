"""Boxes of what is visible against pycocotools, boxes of whole objects against projections done by hand."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from scipy.spatial import ConvexHull
from torch import Tensor

from ondr import boxes, boxes_numba
from ondr.leaves import leaves_of
from ondr.raster.limits import NEAR_METRES
from ondr.runtime.compiled import maybe_compiled

TWINS = pytest.mark.parametrize("twin", [boxes, boxes_numba])
SIZE = (48, 64)
K = torch.tensor([[60.0, 0.0, 32.0], [0.0, 60.0, 24.0], [0.0, 0.0, 1.0]])
CUBE = torch.tensor([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
CUBE_EDGES = torch.tensor([[a, a | bit] for a in range(8) for bit in (1, 2, 4) if not a & bit], dtype=torch.int32)


def random_slots(seed: int, batch: int = 3, slots: int = 5) -> Tensor:
    """Overlapping rectangles and loose pixels of several slots; -1 between them."""
    random = np.random.default_rng(seed)
    slot = np.full((batch, *SIZE), -1, np.int16)
    for image in slot:
        for _ in range(slots):
            top, left = random.integers(0, SIZE[0]), random.integers(0, SIZE[1])
            height, width = random.integers(1, 20, 2)
            image[top : top + height, left : left + width] = random.integers(-1, slots)
        image[tuple(random.integers(0, SIZE, (10, 2)).T)] = random.integers(-1, slots, 10)
    return torch.from_numpy(slot)


def at(x: float, y: float, z: float) -> Tensor:
    """An unrotated object before the camera: [1, 1, 3, 4]."""
    return torch.cat([torch.eye(3), torch.tensor([[x], [y], [z]])], dim=1)[None, None]


def cube_box(twin: ModuleType, camera_from_bank: Tensor, intrinsics: Tensor = K) -> Tensor:
    """The amodal box of a unit cube in one image."""
    mesh = torch.zeros(camera_from_bank.shape[:2], dtype=torch.int32)
    return twin.amodal_boxes(CUBE[None], CUBE_EDGES[None], mesh, camera_from_bank, intrinsics[None])[0, 0]


@TWINS
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_visible_extents_agree_with_pycocotools(twin: ModuleType, seed: int) -> None:
    slot = random_slots(seed)
    found = twin.visible_extents(slot, num_objects=4)
    for image in range(len(slot)):
        for k in range(4):
            rle = coco.encode(np.asfortranarray(slot[image].numpy() == k, dtype=np.uint8))
            x, y, width, height = coco.toBbox(rle)
            assert found.pixels[image, k] == coco.area(rle)
            assert found.boxes[image, k].tolist() == [x, y, x + width, y + height]


@TWINS
def test_one_pixel_is_one_wide(twin: ModuleType) -> None:
    slot = torch.full((1, *SIZE), -1, dtype=torch.int16)
    slot[0, 7, 11] = 2
    found = twin.visible_extents(slot, 3)
    assert found.boxes[0].tolist() == [[0] * 4, [0] * 4, [11, 7, 12, 8]]
    assert found.pixels[0].tolist() == [0, 0, 1]


@TWINS
@pytest.mark.parametrize(("batch", "objects"), [(0, 4), (2, 0), (0, 0)])
def test_empty_batches_and_images_without_objects(twin: ModuleType, batch: int, objects: int) -> None:
    found = twin.visible_extents(torch.full((batch, *SIZE), 3, dtype=torch.int16), objects)
    assert found.boxes.shape == (batch, objects, 4)
    assert found.pixels.shape == (batch, objects)


@TWINS
@pytest.mark.parametrize("objects", [0, 1, 4, 9])
def test_instance_ids_keep_the_labelled_objects_alone(twin: ModuleType, objects: int) -> None:
    slot = random_slots(1)
    labelled = torch.rand(3, objects, generator=torch.Generator().manual_seed(0)) < 0.6
    expected = slot.clone()
    for image, k in np.ndindex(3, 5):
        if k >= objects or not labelled[image, k]:
            expected[image][slot[image] == k] = -1
    assert torch.equal(twin.instance_ids(slot, labelled), expected)


def test_twins_return_the_same_types_and_leave_their_input() -> None:
    slot, labelled = random_slots(0), torch.ones(3, 4, dtype=torch.bool)
    before = slot.clone()
    one, other = boxes.visible_extents(slot, 4), boxes_numba.visible_extents(slot, 4)
    ids = [twin.instance_ids(slot, labelled) for twin in (boxes, boxes_numba)]
    assert torch.equal(slot, before)
    for a, b in ((one.boxes, other.boxes), (one.pixels, other.pixels), ids):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


def test_twins_agree_on_amodal_boxes_of_any_pose() -> None:
    random = torch.Generator().manual_seed(0)
    mesh = torch.randint(-1, 2, (8, 6), generator=random, dtype=torch.int32)
    hulls = torch.stack([CUBE, CUBE * torch.tensor([3.0, 0.2, 1.0])])
    turned, _ = torch.linalg.qr(torch.randn(8, 6, 3, 3, generator=random))
    moved = torch.randn(8, 6, 3, 1, generator=random) + torch.tensor([0.0, 0.0, 1.5])[:, None]
    arguments = hulls, CUBE_EDGES.expand(2, -1, -1), mesh, torch.cat([turned, moved], -1), K.expand(8, 3, 3)
    one, other = boxes.amodal_boxes(*arguments), boxes_numba.amodal_boxes(*arguments)
    assert one.dtype == other.dtype == torch.float32
    # Near points divide float32's rounding by as little as a thousandth.
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)


@pytest.mark.slow
def test_compiled_for_a_gpu_they_are_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    for batch in (2, 3):
        slot, labelled = random_slots(batch, batch), torch.rand(batch, 4, generator=generator) < 0.5
        pose = torch.cat([at(0.3, 0.2, z)[..., :3, :] for z in (0.2, 2.0, 4.0)], dim=1).repeat(batch, 1, 1, 1)
        mesh, k = torch.tensor([[0, 0, -1]] * batch, dtype=torch.int32), K.repeat(batch, 1, 1)
        for function, what in (
            (boxes.visible_extents, (slot, 4)),
            (boxes.instance_ids, (slot, labelled)),
            (boxes.amodal_boxes, (CUBE[None], CUBE_EDGES[None], mesh, pose, k)),
        ):
            found, expected = maybe_compiled(function, True)(*what), function(*what)
            for a, b in zip(leaves_of(found), leaves_of(expected), strict=True):
                assert a.dtype == b.dtype
                # Fused, products and sums are rounded once.
                torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4)


@TWINS
def test_amodal_box_of_a_cube(twin: ModuleType) -> None:
    # The near face, at z = 2, is the widest: 60 * 0.5 / 2 = 15 pixels to each side of the axis at (32, 24).
    assert cube_box(twin, at(0, 0, 2.5)).tolist() == [17, 9, 47, 39]


@TWINS
def test_amodal_box_may_leave_the_image(twin: ModuleType) -> None:
    # x from 0.5 to 1.5 at z = 2 and at z = 3: 32 + 60 * 0.5 / 3 = 42 to 32 + 60 * 1.5 / 2 = 77.
    assert cube_box(twin, at(1, 0, 2.5)).tolist() == [42, 9, 77, 39]


@TWINS
def test_amodal_box_of_a_mirrored_camera(twin: ModuleType) -> None:
    mirrored = K * torch.tensor([[-1.0, 0, 1], [0, 1, 1], [0, 0, 1]])
    assert cube_box(twin, at(1, 0, 2.5), mirrored).tolist() == [64 - 77, 9, 64 - 42, 39]


@TWINS
def test_amodal_box_is_cut_at_the_near_plane(twin: ModuleType) -> None:
    # From z = -0.5 to 0.5, beside the axis: its front part ends at the near plane, whose corners project farthest.
    box = cube_box(twin, at(0.75, 0, 0))
    near = [
        32 + 60 * 0.25 / 0.5,
        24 - 60 * 0.5 / NEAR_METRES,
        32 + 60 * 1.25 / NEAR_METRES,
        24 + 60 * 0.5 / NEAR_METRES,
    ]
    # float32 at 75,000 pixels is exact to 0.008.
    torch.testing.assert_close(box, torch.tensor(near), rtol=1e-6, atol=1e-3)


@TWINS
def test_amodal_box_that_crosses_agrees_with_dense_points(twin: ModuleType) -> None:
    torch.manual_seed(0)
    points = torch.randn(40, 3, dtype=torch.float64)
    hull = ConvexHull(points.numpy())
    edges = {tuple(sorted(e)) for s in hull.simplices for e in (s[:2], s[1:], s[::2])}
    camera_from_bank = at(0.3, -0.2, 1.0)
    box = twin.amodal_boxes(
        points[None].float(),
        torch.tensor(sorted(edges), dtype=torch.int32)[None],
        torch.zeros((1, 1), dtype=torch.int32),
        camera_from_bank,
        K[None],
    )[0, 0]
    # The part of a polytope in front is spanned by its vertices there and by where segments between vertices are cut.
    camera = points + camera_from_bank[0, 0, :, 3]
    a, b = camera[:, None], camera[None]
    share = (NEAR_METRES - a[..., 2]) / (b[..., 2] - a[..., 2])
    cut = ((share > 0) & (share < 1))[..., None]
    candidates = torch.cat([camera[camera[:, 2] >= NEAR_METRES], (a + share[..., None] * (b - a))[cut[..., 0]]])
    pixels = candidates[:, :2] / candidates[:, 2:] * 60 + torch.tensor([32.0, 24.0])
    expected = torch.cat([pixels.amin(0), pixels.amax(0)]).float()
    # Cut points divide by 1e-3, so that float32's rounding of positions shows 1,000 times enlarged.
    torch.testing.assert_close(box, expected, rtol=1e-3, atol=1e-2)


@TWINS
def test_no_amodal_box_behind_the_camera_or_of_an_empty_slot(twin: ModuleType) -> None:
    assert cube_box(twin, at(0, 0, -3)).tolist() == [0] * 4
    empty = torch.full((1, 1), -1, dtype=torch.int32)
    assert not twin.amodal_boxes(CUBE[None], CUBE_EDGES[None], empty, at(0, 0, 3), K[None]).any()


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 10, 20, 20], 0.0),
        ([-10, 10, 10, 20], 0.5),
        ([-10, -10, 10, 10], 0.75),
        ([54, 10, 94, 20], 0.75),
        ([10, 38, 20, 58], 0.5),
        ([70, 10, 80, 20], 1.0),
        ([-64, -48, 128, 96], 8 / 9),
        ([0, 0, 0, 0], 0.0),
    ],
)
def test_truncation_by_hand(box: list[float], expected: float) -> None:
    share = boxes.truncation(torch.tensor([[box]], dtype=torch.float32), SIZE)
    # One rounding of each area in float32.
    assert share.item() == pytest.approx(expected, abs=1e-6)
