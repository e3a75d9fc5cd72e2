"""Shadow maps of the first light, for the images that have shadows.

The backend that draws the images also draws the maps, from the light, and depth is recomputed from ids as everywhere. A
map holds reciprocal depth, 0 where nothing is. On a plane it is linear across the map, so that a receiver plane's value
at a texel is exact, and an empty texel casts no shadow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.fusion.loop import Job, run
from ondr.geometry import invert, product
from ondr.imaging.fragments import CHUNK
from ondr.imaging.light_view import LightView, light_view
from ondr.imaging.shadows import SIDE, SMALLEST, ShadowTables, shadow_views
from ondr.leaves import map_leaves
from ondr.lens import normalized
from ondr.planes import places, take
from ondr.raster.limits import NEAR_METRES
from ondr.runtime.compiled import compiled, mark_rows_dynamic
from ondr.runtime.device import upload
from ondr.scene import Instances, Scene
from ondr.surface import SurfaceTables, meet, surface_tables

TEXELS = (4 * SIDE * SIDE - 1) // 3
"""Number of texels of a map with all its levels."""
Maps = tuple[Float[Tensor, "texel"], Float[Tensor, "texel"]]


def shadow_tables(bank: Bank, scene: Scene, instances: Instances, casting: int, compile: bool) -> ShadowTables | None:
    """Draws the shadow maps of a batch; None where no image of its stream has shadows.

    Args:
        bank: The meshes.
        scene: Its lights and meshes are read, and in which images there are shadows.
        instances: The scene's, in the camera frame.
        casting: Slots below this number cast shadows; the rest, walls and grounds, only receive them.
        compile: Run a compiled function.
    """
    strength, softness = scene.lights.shadow_strength, scene.lights.shadow_softness
    if strength is None or softness is None:
        return None
    rows = scene.structure.rows.get("lights.shadow_strength", ())
    casts = torch.arange(instances.triangle_count.shape[1], device=bank.device) < casting
    with torch.no_grad():
        view = light_view(bank, scene, instances, casts & (instances.triangle_count > 0), SIDE)
        before = replace(instances, triangle_count=instances.triangle_count * casts)
        maps = shadow_maps(bank, before, view, rows, compile)
    # Their length depends on how many images have shadows: not a reason to compile again.
    covered, nearness = map(mark_rows_dynamic, maps) if compile and bank.device.type != "cpu" else maps
    first = upload(_first_texels(rows, len(scene.sample_ids)), bank.device)
    return ShadowTables(covered, nearness, *shadow_views(view, strength, softness.detach(), first))


def _first_texels(rows: tuple[int, ...], batch: int) -> Int32[Tensor, "batch"]:
    first = torch.zeros(batch, dtype=torch.int32)
    first[list(rows)] = torch.arange(len(rows), dtype=torch.int32) * TEXELS
    return first


def shadow_maps(bank: Bank, instances: Instances, view: LightView, rows: tuple[int, ...], compile: bool) -> Maps:
    """Draws the maps of some images.

    Args:
        bank: The meshes.
        instances: The shadow casters of all images, in the camera frame.
        view: The light's.
        rows: Which of the images have shadows.
        compile: Run a compiled function.

    Returns:
        `ShadowTables.covered` and `ShadowTables.nearness`; one empty map where `rows` is empty.
    """
    if not rows:
        return view.position.new_zeros(TEXELS), view.position.new_zeros(TEXELS)
    chosen = upload(torch.tensor(rows), bank.device)
    placed = _before_light(instances, view, chosen)
    intrinsics = view.intrinsics[chosen]
    triangle, slot = raster.visible_ids(bank, placed, intrinsics, (SIDE, SIDE), compile=compile)
    inverse = invert(intrinsics)
    tables = MapTables(surface_tables(bank, placed, inverse), inverse.flatten(1))
    nearness = _nearness(tables, triangle.flatten(), slot.flatten(), compile)
    return levels(nearness.view(-1, SIDE, SIDE))


def levels(nearness: Float[Tensor, "map side side"]) -> Maps:
    """Returns maps with all their levels, each the 2x2 means of the one before.

    Args:
        nearness: One over the depth; 0 where nothing is seen.
    """
    covered, summed = (_chain(plane) for plane in ((nearness > 0).to(nearness.dtype), nearness))
    return covered.flatten(), (summed / covered.clamp_min(SMALLEST)).flatten()


def _chain(plane: Float[Tensor, "map side side"]) -> Float[Tensor, "map texel"]:
    chain = [plane]
    while chain[-1].shape[-1] > 1:
        # Rows first, since they are contiguous: on a CPU three times as fast as a library's pooling.
        upper, lower = chain[-1].unflatten(1, (-1, 2)).unbind(2)
        left, right = (upper + lower).unflatten(2, (-1, 2)).unbind(3)
        chain.append((left + right) * 0.25)
    return torch.cat([level.flatten(1) for level in chain], dim=1)


def _before_light(instances: Instances, view: LightView, chosen: Tensor) -> Instances:
    """Returns the instances of some images in the light's frame instead of the camera's."""
    part = map_leaves(instances, itemgetter(chosen))
    linear, offset = part.camera_from_bank.detach().split((3, 1), dim=-1)
    rotation, position = view.rotation[chosen, None], view.position[chosen, None, :, None]
    moved = torch.cat([product(rotation, linear), product(rotation, offset - position)], dim=-1)
    return replace(part, camera_from_bank=moved)


@dataclass(frozen=True)
class MapTables:
    """Inputs of the maps' depths."""

    surface: SurfaceTables
    """The instances', in the light's frame."""
    inverse_intrinsics: Float[Tensor, "map 9"]


def _nearness(tables: MapTables, triangle: Tensor, slot: Tensor, compile: bool) -> Float[Tensor, "texel"]:
    """Returns one over the depth of every texel; 0 where nothing is seen."""
    slots = len(tables.surface.vertex_offset) // len(tables.inverse_intrinsics)
    if triangle.device.type == "cpu":
        return _on_list(tables, triangle, slot, slots, compile)
    texel = torch.arange(len(triangle), dtype=torch.int32, device=triangle.device)
    planes = (texel, triangle, slot)
    if not compile:
        return torch.where(triangle >= 0, nearness_at(tables, *planes, slots), 0)
    dynamic = MapTables(_with_dynamic_instances(tables.surface), mark_rows_dynamic(tables.inverse_intrinsics))
    return torch.where(triangle >= 0, compiled(nearness_at)(dynamic, *map(mark_rows_dynamic, planes), slots), 0)


def _with_dynamic_instances(tables: SurfaceTables) -> SurfaceTables:
    """Marks the number of instances as dynamic for the compiler; the bank's tables keep their size."""
    own = {
        name: mark_rows_dynamic(getattr(tables, name)) for name in ("vertex_offset", "two_sided", "bank_from_camera")
    }
    return replace(tables, **own)


def _on_list(tables: MapTables, triangle: Tensor, slot: Tensor, slots: int, compile: bool) -> Float[Tensor, "texel"]:
    """Computes `_nearness` for the texels that see something: as one loop if compiled, else in chunks."""
    texel = (triangle >= 0).nonzero()[:, 0].int()
    lists, maps = [texel, triangle[texel], slot[texel]], torch.zeros(len(triangle))
    if compile:
        found = run(nearness_at, [Job(tables, 0, len(texel))], lists, slots)[0]
    else:
        chunks = zip(*(plane.split(CHUNK) for plane in lists), strict=True)
        found = torch.cat([nearness_at(tables, a, b, c, slots) for a, b, c in chunks])
    return maps.index_copy(0, texel.long(), found)


def nearness_at(
    tables: MapTables, texel: Int32[Tensor, "texel"], triangle: Tensor, slot: Tensor, slots: int
) -> Float[Tensor, "texel"]:
    """Returns one over the depth that some texels see.

    Args:
        tables: The maps'.
        texel: (map * SIDE + row) * SIDE + column.
        triangle: Rows of the bank's triangles; any number where nothing is seen.
        slot: Which of the map's instances; likewise.
        slots: Instances per map.
    """
    image, row, column = places(texel, (SIDE, SIDE))
    k = take(tables.inverse_intrinsics, image)
    x, y = normalized(k, column + 0.5, row + 0.5)
    hit = meet(tables.surface, triangle.clamp_min(0), image * slots + slot.clamp_min(0), x, y).hit
    return hit.depth.clamp_min(NEAR_METRES).reciprocal()
