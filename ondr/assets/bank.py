"""Everything that stays on the device during training: all meshes and textures, packed into a few tensors.

Their layouts are defined here; reading files is left to `meshes` and `textures`, filling the bank to `packing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.leaves import map_leaves


@dataclass(frozen=True)
class Levels:
    """Levels of detail: further triangle ranges over the same vertices. Level 0 is the full detail; a mesh with fewer
    levels than others repeats its last one, with an infinite error."""

    first_triangle: Int32[Tensor, "mesh level"]
    triangle_count: Int32[Tensor, "mesh level"]
    error: Float[Tensor, "mesh level"]
    """Error of the surface and its attributes, root mean square at the worst place; file units."""


@dataclass(frozen=True)
class Bank:
    """Packed meshes, materials and textures. All tensors are on one device."""

    vertices: Float[Tensor, "vertex 8"]
    """Position (file units, origin at the centre of the mesh's bounding box), unit normal, uv. uv runs from
    the texture's top left corner: u to the right, v down."""
    colors: Int32[Tensor, "vertex"]
    """RGBA8 words (R in the lowest byte), the square root of linear light; white where a file has no vertex or face
    colours. Multiplied with the material's colour."""
    triangles: Int32[Tensor, "triangle 4"]
    """Three vertex rows, relative to the mesh's first vertex, counter-clockwise seen from outside, and the row of the
    material."""
    patches: Int32[Tensor, "triangle"]
    """Smooth patch of each triangle, numbered within its mesh: neighbours in one patch share normals and a material, so
    that all of a pixel's samples in it can share one shading."""
    material_color: Float[Tensor, "material 3"]
    """Base colour, linear RGB."""
    material_texture: Int32[Tensor, "material"]
    """Row of `textures`; 0 (plain white) for a material without an image."""
    texels: Int32[Tensor, "texel"]
    """RGBA8 words (R in the lowest byte), the square root of linear light; all mip levels of all textures."""
    textures: Int32[Tensor, "texture 2"]
    """First texel and log2 of the side. Level `l` of a texture with side s = 2**n starts (4**(n+1) - 4**(n+1-l)) / 3
    texels later and has side s >> l. Row 0 is a single white texel."""
    vertex_offset: Int32[Tensor, "mesh"]
    first_triangle: Int32[Tensor, "mesh"]
    """First triangle of the mesh in full detail."""
    triangle_count: Int32[Tensor, "mesh"]
    closed: Bool[Tensor, "mesh"]
    """Whether the mesh is watertight and faces outwards: its back faces need not be drawn."""
    extent: Float[Tensor, "mesh 3"]
    """Sides of the bounding box in file units."""
    center: Float[Tensor, "mesh 3"]
    """Centre of the bounding box in the file's coordinates: file coordinates are bank coordinates plus this."""
    hull: Float[Tensor, "mesh hull 3"]
    """Vertices of the convex hull in bank coordinates, padded by repeating the first."""
    support: Float[Tensor, "mesh support 3"]
    """Extreme corners of the hull in many directions, for resting objects on and beside each other."""
    hull_edges: Int32[Tensor, "mesh edge 2"]
    """Edges of the convex hull as rows of `hull`, padded by repeating the first."""
    levels: Levels | None = None
    """None: full detail only."""
    upright: Float[Tensor, "mesh 3 3"] | None = None
    """Rotations that turn the up axis of each file's format to z; None: it is z for all of them."""
    resting: Float[Tensor, "mesh pose 3 3"] | None = None
    """Rotations that bring the mesh to rest on the ground, the likeliest first, padded with the last; None if no law
    needs them."""
    resting_share: Float[Tensor, "mesh pose"] | None = None
    """Cumulative probability of the resting poses."""

    @property
    def device(self) -> torch.device:
        """The device of the tensors."""
        return self.vertices.device

    def to(self, device: torch.device | str) -> Bank:
        """Returns the bank with every tensor on `device`."""
        return map_leaves(self, lambda tensor: tensor.to(device))


@dataclass(frozen=True)
class Annotations:
    """Annotations of the meshes of interest; None: no output needs them."""

    keypoint_names: tuple[tuple[str, ...], ...] = ()
    """Keypoint names of each class; a mesh's keypoints are in the order of its class."""
    keypoints: Float[Tensor, "mesh keypoint 3"] | None = None
    """In bank coordinates; 0 for a keypoint that the mesh lacks."""
    has_keypoint: Bool[Tensor, "mesh keypoint"] | None = None
    symmetries: Float[Tensor, "mesh symmetry 4 4"] | None = None
    """Rigid transforms of the file's coordinates, the identity first and as padding."""
    stencil: Int32[Tensor, "triangle"] | None = None
    """Stencil number of each of the bank's triangles; -1 for none."""

    def to(self, device: torch.device | str) -> Annotations:
        """Returns the annotations with every tensor on `device`."""
        return map_leaves(self, lambda tensor: tensor.to(device))


@dataclass(frozen=True)
class Assets:
    """A bank and what its rows mean. Only the tensors are on the device."""

    bank: Bank
    class_names: tuple[str, ...]
    """Names of the class ids 0, 1, ..."""
    mesh_files: tuple[str, ...]
    """Files of the objects of interest relative to their root, such as `mug/mug_01.obj`; the bank's first meshes, in
    this order."""
    mesh_paths: tuple[str, ...]
    """Absolute paths of `mesh_files`."""
    mesh_labels: tuple[int, ...]
    """Class id of each of `mesh_files`."""
    distractors: dict[str, int]
    """Name of each distractor shape and its row among the bank's meshes."""
    foreign_textures: range
    """Rows of `bank.textures` that any object may get as a foreign texture."""
    noise_textures: range
    """Rows of `bank.textures` with noise tiles, for backgrounds."""
    photos: range
    """Rows of `bank.textures` with background photos."""
    photo_aspects: tuple[float, ...]
    """Width over height of each of `photos`, whose texture is a square."""
    panoramas: range = range(0)
    """Rows of `bank.textures` with equirectangular panoramas, each stretched to a square."""
    panorama_harmonics: Float[Tensor, "panorama 9 3"] | None = None
    """Irradiance from each panorama as `ondr.harmonics`, on the bank's device; None without panoramas."""
    panorama_scale: Float[Tensor, "panorama"] | None = None
    """Linear radiance of a full texel of each panorama, on the bank's device; None without panoramas."""
    ramp_texture: int = 0
    """Row of `bank.textures` that goes from black (v = 0) to white (v = 1), for gradients."""
    mesh_subjects: tuple[str, ...] = ()
    """The subject of each of `mesh_files`: files with the same entry show one subject in several poses. Empty: all
    differ."""
    bent: range = range(0)
    """Rows of the bent meshes: the first file bent by each of `objects.bends_degrees`, then the second, and so on."""
    others: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Rows of the bank's meshes that the groups `context`, `occluders` and `clutter` choose from."""
    surfaces: dict[str, int] = field(default_factory=dict)
    """Rows of the bank's meshes for `plane` (a unit square in z = 0, seen from both sides) and `box` (a unit cube)."""
    annotations: Annotations = field(default_factory=Annotations)
    """Keypoints, symmetries and stencil numbers of `mesh_files`."""

    def to(self, device: torch.device | str) -> Assets:
        """Returns the assets with every tensor on `device`."""
        return map_leaves(self, lambda tensor: tensor.to(device))
