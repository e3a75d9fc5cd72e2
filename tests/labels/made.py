"""Small worlds made by hand for the tests of labels: banks, scenes, and the labels of what they show."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import torch
import trimesh
from torch import Tensor

from ondr import labels
from ondr.assets.bank import Annotations, Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.draws import Draws
from ondr.geometry import rotation_from_quaternion, transform
from ondr.lens_view import see_through_lens
from ondr.place import place
from ondr.raster.numba import visible
from ondr.raster.visibility import Visibility
from ondr.scene import Background, Camera, DepthNoise, Effects, Lights, Materials, Motion, Poses, Scene, Structure
from ondr.settings import Output
from tests.worlds import bank_from_meshes, pinhole

ALL = list(get_args(Output))
SIZE = (96, 128)
LEVEL = torch.eye(4)
"""A camera at the world's origin whose axes are the world's."""


def config(outputs: list[str], **limits: float) -> Config:
    return Config(outputs=outputs, labels=limits)


def assets_of(meshes: list[trimesh.Trimesh], mesh_labels: tuple[int, ...] = ()) -> Assets:
    bank = bank_from_meshes(meshes)
    return Assets(
        bank=bank,
        class_names=tuple("abcdefgh"[: max(mesh_labels, default=0) + 1]),
        mesh_files=tuple(f"{i}.obj" for i in range(len(mesh_labels))),
        mesh_paths=tuple(f"/{i}.obj" for i in range(len(mesh_labels))),
        mesh_labels=mesh_labels,
        distractors={},
        foreign_textures=range(0),
        noise_textures=range(0),
        photos=range(0),
        photo_aspects=(),
        annotations=notes_of(meshes),
    )


def notes_of(meshes: list[trimesh.Trimesh]) -> Annotations:
    """Three vertices of each mesh, no symmetry, and the triangles' own numbers."""
    points = [torch.tensor(mesh.vertices[:3] - mesh.bounds.mean(axis=0)).float() for mesh in meshes]
    return Annotations(
        keypoint_names=(("a", "b", "c"),) * 8,
        keypoints=torch.stack(points),
        has_keypoint=torch.ones(len(meshes), 3, dtype=torch.bool),
        symmetries=torch.eye(4).expand(len(meshes), 1, 4, 4),
        stencil=torch.arange(sum(len(mesh.faces) for mesh in meshes), dtype=torch.int32),
    )


def scene_of(
    mesh: list[list[int]],
    translation: Tensor,
    *,
    num_objects: int | None = None,
    rotation: Tensor | None = None,
    scale: Tensor | None = None,
    intrinsics: Tensor | None = None,
    camera_from_world: Tensor = LEVEL,
) -> Scene:
    """A scene with only what labels depend on; meshes `[B, S]`, translations `[B, S, 3]`."""
    rows = torch.tensor(mesh, dtype=torch.int32)
    batch, slots = rows.shape
    one, zero = torch.ones(batch, slots), torch.zeros(batch)
    return Scene(
        sample_ids=torch.arange(batch),
        seed=0,
        num_objects=slots if num_objects is None else num_objects,
        poses=Poses(
            mesh=rows,
            rotation=torch.eye(3).expand(batch, slots, 3, 3) if rotation is None else rotation,
            scale=torch.ones(batch, slots, 3) if scale is None else scale,
            translation=translation,
        ),
        materials=Materials(one > 0, rows, one[..., None].expand(-1, -1, 3), one, one, one),
        lights=Lights(torch.zeros(batch, 0, 4), torch.zeros(batch, 0, 3), torch.zeros(batch, 0), torch.zeros(batch, 3)),
        camera=Camera(
            intrinsics=pinhole(100, *SIZE, batch) if intrinsics is None else intrinsics,
            camera_from_world=camera_from_world.expand(batch, 4, 4),
        ),
        background=Background(torch.zeros(batch, dtype=torch.int32), torch.zeros(batch, 2, 3), torch.zeros(batch, 3)),
        effects=Effects(zero, zero + 1, zero + 1, zero + 1, zero, zero),
        depth_noise=DepthNoise(*torch.zeros(3, len(mesh)).unbind()),
        motion=Motion(torch.eye(4).repeat(batch, 1, 1), *still(batch, slots if num_objects is None else num_objects)),
        structure=Structure(mesh=rows, rows={}, largest={}),
        draws=Draws(torch.zeros(batch, 0), {}),
    )


def still(batch: int, objects: int) -> tuple[Tensor, Tensor]:
    """Rotations and translations of objects that do not move."""
    return torch.eye(3).repeat(batch, objects, 1, 1), torch.zeros(batch, objects, 3)


def label(scene: Scene, assets: Assets, outputs: list[str] = ALL, **limits: float) -> Targets:
    placed = place(scene, assets.bank)
    return labels.label(scene, assets, placed, see(scene, assets), config(outputs, **limits))


def see(scene: Scene, assets: Assets) -> Visibility:
    placed = place(scene, assets.bank)
    if scene.camera.distortion is None:
        return visible(assets.bank, placed, scene.camera.intrinsics, SIZE)
    return see_through_lens(assets.bank, placed, scene.camera, SIZE, ())[0]


def through_lens(scene: Scene, *coefficients: float) -> Scene:
    """The scene through a lens with k1, k2, p1, p2 and k3."""
    lens = torch.tensor(coefficients).expand(len(scene.sample_ids), 5)
    return replace(scene, camera=replace(scene.camera, distortion=lens))


def only(scene: Scene, slot: int) -> Scene:
    """The scene without anything but one of its things."""
    mesh = torch.full_like(scene.poses.mesh, -1)
    mesh[:, slot] = scene.poses.mesh[:, slot]
    return replace(scene, poses=replace(scene.poses, mesh=mesh))


def random_scene(seed: int, batch: int = 4, objects: int = 5, distractors: int = 3, meshes: int = 3) -> Scene:
    """Crowded: objects hide each other and leave the image."""
    random = torch.Generator().manual_seed(seed)
    slots = objects + distractors
    q = torch.nn.functional.normalize(torch.randn(batch, slots, 4, generator=random), dim=-1)
    near = torch.rand(batch, slots, generator=random) * 2 + 2
    aside = (torch.rand(batch, slots, 2, generator=random) - 0.5) * near[..., None] * torch.tensor([1.3, 1.0])
    world = torch.nn.functional.normalize(torch.randn(4, generator=random), dim=0)
    camera = transform(rotation_from_quaternion(world), torch.randn(3, generator=random))
    seen = torch.cat([aside, near[..., None]], dim=-1)
    rows = torch.randint(-1, meshes, (batch, slots), generator=random)
    return scene_of(
        rows.tolist(),
        (seen - camera[:3, 3]) @ camera[:3, :3],
        num_objects=objects,
        rotation=rotation_from_quaternion(q),
        scale=torch.rand(batch, slots, 3, generator=random) * 0.5 + 0.5,
        camera_from_world=camera,
    )


def solid_meshes() -> list[trimesh.Trimesh]:
    create = trimesh.creation
    meshes = [create.icosphere(2, 0.6), create.box((1, 0.7, 0.5)), create.capsule(0.8, 0.3)]
    for mesh, offset in zip(meshes, ([3, -2, 1], [0, 0, 5], [-1, 0, 0]), strict=True):
        mesh.apply_translation(offset)
    return meshes
