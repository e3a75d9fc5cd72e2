"""Points on triangles against closed forms: a sphere, tilted planes, finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from ondr import surface
from ondr.planes import take
from tests.scenes import cast, pose, quad
from tests.worlds import bank_from_meshes, pinhole, place

SIZE = (64, 64)
K = pinhole(80.0, *SIZE)


def tables_of(meshes: list[trimesh.Trimesh], poses: torch.Tensor, closed: list[bool] | None = None):
    """Returns the tables of one image with one mesh per pose."""
    bank = bank_from_meshes(meshes, closed)
    instances = place(bank, [list(range(len(meshes)))], poses[None])
    return surface.surface_tables(bank, instances, torch.linalg.inv(K))


def tilted(degrees: float, z: float = 3.0) -> torch.Tensor:
    """Returns the pose of a quad turned about the image's x axis."""
    rotation = trimesh.transformations.rotation_matrix(np.deg2rad(degrees), [1, 0, 0])[:3, :3]
    return torch.tensor(np.concatenate([rotation, [[0.1], [0.2], [z]]], axis=1), dtype=torch.float32)


def depth_and_normals(tables: surface.SurfaceTables, triangle: torch.Tensor, instance: torch.Tensor, x, y):
    """Planes of depth and normal; 0 where there is no triangle."""
    seen = triangle >= 0
    met = surface.meet(tables, triangle.clamp_min(0), instance, x, y)
    normal = surface.normals_at(met.corners, met.hit, met.frame)
    return torch.where(seen, met.hit.depth, 0), tuple(torch.where(seen, n, 0) for n in normal)


def test_sphere_depth_and_normals():
    mesh = trimesh.creation.icosphere(5)
    at = pose(0.3, -0.2, 4.0)
    triangle, x, y = cast(mesh, at, K[0], SIZE)
    depth, normals = depth_and_normals(tables_of([mesh], at[None]), triangle, torch.zeros_like(triangle), x, y)
    seen = triangle >= 0
    rays = np.stack([x, y, np.ones_like(x)], -1).astype(np.float64)
    center = np.array([0.3, -0.2, 4.0])
    a, b, c = (rays**2).sum(-1), rays @ center, center @ center - 1
    exact = (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
    # An icosphere of 20 * 4**5 triangles lies at most 3e-4 of the radius inside the sphere; near the silhouette, where
    # the ray grazes it, that is more along the ray.
    inner = seen & (torch.tensor(b * b - a * c) > 0.2)
    assert seen.sum() > 500
    torch.testing.assert_close(depth[inner], torch.tensor(exact).float()[inner], rtol=0, atol=2e-3)
    expected = torch.tensor(exact[..., None] * rays - center).float()
    angle = torch.stack(normals, -1)[inner] - expected[inner]
    assert angle.norm(dim=-1).max() < 0.01
    assert depth[~seen].eq(0).all()
    assert torch.stack(normals, -1)[~seen].eq(0).all()


def test_uv_is_perspective_correct_on_a_tilted_plane():
    at = tilted(60)
    mesh = quad()
    triangle, x, y = cast(mesh, at, K[0], SIZE)
    tables = tables_of([mesh], at[None], [False])
    u, v, _ = uv(tables, triangle.clamp_min(0), x, y)
    seen = (triangle >= 0).numpy()
    rays = np.stack([x, y, np.ones_like(x)], -1)[seen].astype(np.float64)
    rotation, offset = at[:, :3].double().numpy(), at[:, 3].double().numpy()
    depth = (rotation[:, 2] @ offset) / (rays @ rotation[:, 2])
    local = (rays * depth[:, None] - offset) @ rotation
    # Float32 with some ten operations; uv lies in 0..1.
    np.testing.assert_allclose(u.numpy()[seen], (local[:, 0] + 1) / 2, atol=2e-5)
    np.testing.assert_allclose(v.numpy()[seen], (local[:, 1] + 1) / 2, atol=2e-5)


def uv(tables: surface.SurfaceTables, triangle: torch.Tensor, x: torch.Tensor, y: torch.Tensor):
    """Returns u, v and footprint of one-instance worlds."""
    instance = torch.zeros_like(triangle)
    corners = surface.corners_of(tables, triangle, instance)
    frame = take(tables.bank_from_camera, instance)
    return surface.uv_at(corners, surface.intersect(corners, frame, tables.two_sided[instance], x, y))


def test_footprint_equals_finite_differences():
    at = tilted(70)
    tables = tables_of([quad()], at[None], [False])
    double = replace(tables, vertices=tables.vertices.double(), bank_from_camera=tables.bank_from_camera.double())
    x, y = torch.meshgrid(torch.linspace(-0.1, 0.15, 5), torch.linspace(0.0, 0.12, 5), indexing="xy")
    x, y = x.double(), y.double()
    triangle, step = torch.zeros(5, 5, dtype=torch.int32), 1e-4
    # Triangle 0 has the quad's upper right half; only points well inside it are not held at its edge.
    u, v, footprint = uv(double, triangle, x, y)
    inside = (u > v + 0.05) & (u < 0.95) & (v > 0.05)
    assert inside.sum() > 5
    lengths = []
    for dx, dy in ((step, 0), (0, step)):
        moved_u, moved_v, _ = uv(double, triangle, x + dx / 80, y + dy / 80)
        lengths.append(((moved_u - u) / step) ** 2 + ((moved_v - v) / step) ** 2)
    # First-order differences of a smooth function with a step of 1e-4 pixels.
    torch.testing.assert_close(footprint[inside], torch.maximum(*lengths)[inside], rtol=1e-3, atol=0)


def test_a_ray_beside_its_triangle_stays_on_it():
    tables = tables_of([quad()], pose(0, 0, 3)[None], [False])
    x, y = torch.tensor([5.0, -5.0, 0.0]), torch.tensor([0.0, 0.0, 9.0])
    u, v, _ = uv(tables, torch.zeros(3, dtype=torch.int32), x, y)
    assert ((u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)).all()


def test_normals_of_an_open_mesh_face_the_viewer_on_both_sides():
    for degrees in (0, 40, 140, 180, 220):
        at = tilted(degrees)
        mesh = quad()
        triangle, x, y = cast(mesh, at, K[0], SIZE)
        _, normals = depth_and_normals(tables_of([mesh], at[None], [False]), triangle, torch.zeros_like(triangle), x, y)
        seen = triangle >= 0
        towards = normals[0] * x + normals[1] * y + normals[2]
        assert seen.sum() > 50
        assert (towards[seen] < 0).all()


@pytest.mark.parametrize("stretch", [(1.0, 1.0, 1.0), (0.2, 3.0, 1.0), (1.0, 1.0, -1.0)])
def test_normals_follow_a_stretched_or_mirrored_object(stretch: tuple[float, float, float]):
    sphere = trimesh.creation.icosphere(4)
    matrix = torch.diag(torch.tensor(stretch))
    at = torch.cat([matrix, torch.tensor([[0.0], [0.0], [6.0]])], dim=1)
    placed = trimesh.Trimesh(sphere.vertices * stretch, sphere.faces, process=False)
    triangle, x, y = cast(placed, pose(0, 0, 6), K[0], SIZE)
    depth, normals = depth_and_normals(tables_of([sphere], at[None]), triangle, torch.zeros_like(triangle), x, y)
    seen = triangle >= 0
    point = torch.stack([depth * x, depth * y, depth - 6], -1)
    gradient = torch.nn.functional.normalize(point / torch.tensor(stretch) ** 2, dim=-1)
    # The facets of an icosphere turn by some 4 degrees; the normals on them are interpolated.
    assert (torch.stack(normals, -1) - gradient)[seen].norm(dim=-1).max() < 0.05


def test_depth_is_exact_for_a_small_far_triangle():
    at = pose(0, 0, 1.0, scale=1e-3)
    at[:, 3] = torch.tensor([7.0, -5.0, 20.0])
    tables = tables_of([quad(0.5, 0.5)], at[None], [False])
    x, y = torch.tensor([7.0001 / 20]), torch.tensor([-5.00005 / 20])
    depth, _ = depth_and_normals(tables, torch.tensor([0], dtype=torch.int32), torch.zeros(1).int(), x, y)
    torch.testing.assert_close(depth, torch.tensor([20.0]), rtol=1e-5, atol=0)


def test_gradients_of_depth_and_normals():
    tables = tables_of([quad()], tilted(50)[None], [False])
    x, y = torch.tensor([0.05, 0.1]).double(), torch.tensor([0.05, 0.02]).double()
    triangle = torch.zeros(2, dtype=torch.int32)

    def evaluate(vertices: torch.Tensor, frame: torch.Tensor) -> tuple[torch.Tensor, ...]:
        moved = replace(tables, vertices=vertices, bank_from_camera=frame)
        depth, normals = depth_and_normals(moved, triangle, triangle, x, y)
        return depth, *normals

    inputs = (tables.vertices.double().requires_grad_(), tables.bank_from_camera.double().requires_grad_())
    assert torch.autograd.gradcheck(evaluate, inputs)
