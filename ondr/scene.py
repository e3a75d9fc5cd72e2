"""A batch of random worlds as tensors: made by the sampler, open to the user's hooks, read by the renderer.

World frame right-handed, z up, metres. Camera axes as in OpenCV: x right, y down, z forward. Light is linear RGB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter

from jaxtyping import Bool, Float, Int32, Int64
from torch import Tensor

from ondr.draws import Draws
from ondr.leaves import map_leaves
from ondr.runtime.device import upload


@dataclass(frozen=True)
class Poses:
    """Meshes in the world. Slots 0..N-1 are objects of interest, the rest those of `cfg.groups`."""

    mesh: Int32[Tensor, "batch slot"]
    """Row of the bank's meshes; -1 for an empty slot."""
    rotation: Float[Tensor, "batch slot 3 3"]
    """world_from_object, a rotation."""
    scale: Float[Tensor, "batch slot 3"]
    """Metres per file unit along the object's own axes, applied before the rotation."""
    translation: Float[Tensor, "batch slot 3"]
    """Position of the centre of the mesh's bounding box in the world, metres."""


@dataclass(frozen=True)
class Materials:
    """The surface of each slot."""

    own: Bool[Tensor, "batch slot"]
    """True: the file's own textures and colours; False: `texture` times `color`."""
    texture: Int32[Tensor, "batch slot"]
    """Row of the bank's textures; 0 is plain white."""
    color: Float[Tensor, "batch slot 3"]
    """Linear RGB; multiplies `texture`. Unused where `own`."""
    texture_scale: Float[Tensor, "batch slot"]
    """How often the foreign texture repeats over the unit square of uv. Unused where `own`."""
    roughness: Float[Tensor, "batch slot"]
    """GGX roughness (alpha is its square), 0..1."""
    specular: Float[Tensor, "batch slot"]
    """Reflectance at normal incidence (F0), 0..1."""
    texture_radians: Float[Tensor, "batch slot"] | None = None
    """Clockwise rotation of the foreign texture about uv's origin; None: 0 everywhere."""
    texture_offset: Float[Tensor, "batch slot 2"] | None = None
    """Point of the foreign texture at uv's origin, in repeats; None: its corner everywhere."""
    pattern: Int32[Tensor, "batch slot"] | None = None
    """Pattern that mixes `color` with `color2`: 0 for none, else its place in `settings.material.PATTERNS`, from 1.
    None: there is none, and the next three are None as well."""
    color2: Float[Tensor, "batch slot 3"] | None = None
    """Linear RGB; the pattern's second colour."""
    pattern_from_object: Float[Tensor, "batch slot 3 4"] | None = None
    """From bank coordinates to those of the pattern, which has period 1 along each axis."""
    part_word: Int32[Tensor, "batch slot"] | None = None
    """16 bits that determine the mixture for each material of the file; None: nothing is coloured part by part."""
    noise_stretch: Float[Tensor, "batch slot 3"] | None = None
    """Cells of noise per period of the pattern, along its axes; None: no pattern contains noise."""
    own_shift: Float[Tensor, "batch slot 3"] | None = None
    """Hue shift in degrees and factors on saturation and value of the file's own colours, in HSV of sRGB-encoded
    values; None: (0, 1, 1) everywhere. Used where `own`."""
    diffuse: Float[Tensor, "batch slot"] | None = None
    """Share of the colour that is reflected diffusely; None: 1 everywhere."""
    metallic: Float[Tensor, "batch slot"] | None = None
    """From dielectric (0) to metal (1), which has no diffuse and a coloured specular reflection; None: 0 everywhere."""
    emission: Float[Tensor, "batch slot"] | None = None
    """Emitted radiance, as a factor on the colour; None: 0 everywhere."""


@dataclass(frozen=True)
class Lights:
    """Point lights, directional lights and light from all directions."""

    position: Float[Tensor, "batch light 4"]
    """World x, y, z, 1 in metres for a point light; the unit direction towards it and 0 for a directional one."""
    color: Float[Tensor, "batch light 3"]
    """Linear RGB irradiance at the scene's centre; 0 for an absent light."""
    reference_distance: Float[Tensor, "batch light"]
    """Metres from a point light at which its falloff is 1: its distance from the scene's centre."""
    ambient: Float[Tensor, "batch 3"]
    """Linear RGB."""
    upward: Float[Tensor, "batch 3"] | None = None
    """Linear RGB that is added to `ambient` on a surface that faces straight up and subtracted on one that faces down;
    between, it is proportional to the normal's z. None: 0 in all images."""
    harmonics: Float[Tensor, "batch 9 3"] | None = None
    """Irradiance from an environment, in addition to `ambient`, as `ondr.harmonics` in the world frame. None: 0."""
    environment: Int32[Tensor, "batch"] | None = None
    """Row of the bank's textures: the panorama that shiny surfaces mirror. None: they mirror none, and the next two
    fields are None as well."""
    environment_radiance: Float[Tensor, "batch"] | None = None
    """Linear radiance of its full texels."""
    environment_yaw_degrees: Float[Tensor, "batch"] | None = None
    """Its rotation about the vertical, counter-clockwise from above."""
    shadow_strength: Float[Tensor, "batch"] | None = None
    """Share of the first light that is blocked in full shadow, 0..1. None: no image has shadows."""
    shadow_softness: Float[Tensor, "batch"] | None = None
    """Width of a shadow's soft edge over that of all shadow casters, as seen from the light. None if `shadow_strength`
    is."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera, or one with a lens."""

    intrinsics: Float[Tensor, "batch 3 3"]
    """K: pixel centres at +0.5, row 0 at the top. fx < 0 for a mirrored image."""
    camera_from_world: Float[Tensor, "batch 4 4"]
    """A rigid transform."""
    distortion: Float[Tensor, "batch 5"] | None = None
    """k1 k2 p1 p2 k3 of the lens, as OpenCV has them; None: a pinhole in all images."""


@dataclass(frozen=True)
class Background:
    """What is seen where no triangle is: a texture under an affine map, blending two colours, or a panorama."""

    texture: Int32[Tensor, "batch"]
    """Row of the bank's textures; 0 is plain white."""
    uv_from_pixel: Float[Tensor, "batch 2 3"]
    """u, v = M @ (x, y, 1), x and y in pixels with centres at +0.5."""
    color: Float[Tensor, "batch 3"]
    """Linear RGB where the texture is white."""
    dark: Float[Tensor, "batch 3"] | None = None
    """Linear RGB where the texture is black; None: black."""
    panorama: Int32[Tensor, "batch"] | None = None
    """Row of the bank's textures: the panorama that is seen instead, by the direction of each pixel's ray; -1 for
    images without. None: no image has one, and the next two fields are None as well."""
    panorama_radiance: Float[Tensor, "batch"] | None = None
    """Linear radiance of its full texels."""
    panorama_yaw_degrees: Float[Tensor, "batch"] | None = None
    """Its rotation about the vertical, counter-clockwise from above."""


@dataclass(frozen=True)
class Effects:
    """Photometric effects. Neutral values leave the image unchanged. docs/design.md has
    their order."""

    blur_sigma: Float[Tensor, "batch"]
    """Standard deviation of a Gaussian blur in pixels, applied to linear light; 0 = none."""
    brightness: Float[Tensor, "batch"]
    """Factor on the sRGB-encoded image; 1 = neutral."""
    contrast: Float[Tensor, "batch"]
    """Factor about mid-grey (0.5); 1 = neutral."""
    saturation: Float[Tensor, "batch"]
    """Factor on the S of HSV; 1 = neutral."""
    hue_degrees: Float[Tensor, "batch"]
    """Shift of the H of HSV; 0 = neutral."""
    noise_std: Float[Tensor, "batch"]
    """Standard deviation of additive Gaussian noise, image range 0..1; 0 = none."""
    chromatic_aberration: Float[Tensor, "batch"] | None = None
    """Pixels by which red and blue move at the border. None, here and below: no image of the stream has the effect.
    These effects run only on the images that `Structure.rows` names."""
    defocus_radius: Float[Tensor, "batch"] | None = None
    """Radius of the blur disk in pixels."""
    motion_blur_length: Float[Tensor, "batch"] | None = None
    """Length of the streak in pixels."""
    motion_blur_angle_degrees: Float[Tensor, "batch"] | None = None
    """Clockwise from the right."""
    vignetting: Float[Tensor, "batch"] | None = None
    """Share of the light that the corners lose."""
    exposure_stops: Float[Tensor, "batch"] | None = None
    """Linear light is multiplied by 2 to this power; 0 = neutral."""
    white_balance_kelvin: Float[Tensor, "batch"] | None = None
    """Colour temperature of the light; 6500 = neutral."""
    shot_noise: Float[Tensor, "batch"] | None = None
    """Standard deviation at white, in linear light."""
    read_noise_std: Float[Tensor, "batch"] | None = None
    """Standard deviation in linear light."""
    gamma: Float[Tensor, "batch"] | None = None
    """Exponent on the encoded image; 1 = neutral."""
    grayscale: Float[Tensor, "batch"] | None = None
    """0 = colour, 1 = grey."""
    salt_and_pepper: Float[Tensor, "batch"] | None = None
    """Share of the pixels that become black or white."""
    sharpen: Float[Tensor, "batch"] | None = None
    """Strength of sharpening; 0 = neutral."""
    posterize_bits: Float[Tensor, "batch"] | None = None
    """Bits kept of each channel; 8 = neutral."""
    jpeg_quality: Float[Tensor, "batch"] | None = None
    """Quality of JPEG compression, 1 to 100."""


@dataclass(frozen=True)
class DepthNoise:
    """Errors of a triangulating depth camera."""

    noise_std: Float[Tensor, "batch"]
    """Standard deviation in metres at a depth of 1 metre; it grows with the square of the depth."""
    step: Float[Tensor, "batch"]
    """Quantization step in metres at a depth of 1 metre; it grows likewise."""
    edge_holes: Float[Tensor, "batch"]
    """Share of the pixels beside a jump in depth that are missing, 0..1."""


@dataclass(frozen=True)
class Motion:
    """How camera and objects move from one image to the next."""

    camera_from_camera: Float[Tensor, "batch 4 4"]
    """Rigid transform from the camera's frame to that of the moved camera."""
    rotation: Float[Tensor, "batch object 3 3"]
    """Rotation of each object of interest about the centre of its bounding box, world frame."""
    translation: Float[Tensor, "batch object 3"]
    """Translation of that centre in the world, metres."""


@dataclass(frozen=True)
class Structure:
    """What the host knows before anything is computed on the device, as CPU tensors and tuples."""

    mesh: Int32[Tensor, "batch slot"]
    """`Poses.mesh` on the CPU."""
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """For each gated quantity, by name, the rows of the batch in which it is not neutral."""
    largest: Mapping[str, float] = field(default_factory=dict)
    """For each of these quantities, the largest value that can be drawn."""


@dataclass(frozen=True)
class Scene:
    """A batch of random worlds. Every field is a plain function of (config, parameters, assets, seed, sample id)."""

    sample_ids: Int64[Tensor, "batch"]
    """Sample ids, on the CPU."""
    seed: int
    num_objects: int
    """N: slots 0..N-1 are objects of interest."""
    poses: Poses
    materials: Materials
    lights: Lights
    camera: Camera
    background: Background
    effects: Effects
    structure: Structure
    draws: Draws
    """Every named draw of the batch: `[B]` or `[B, slot]` (rotations `[B, slot, 4]`)."""
    box_jitter: Float[Tensor, "batch object 4"] | None = None
    """Label noise on x1 y1 x2 y2 of the objects' boxes, as shares of their sides; None: there is none."""
    depth_noise: DepthNoise | None = None
    """None: no output needs it."""
    motion: Motion | None = None
    """None: no output needs it. `ondr.motion.moved` applies it."""

    @cached_property
    def device_ids(self) -> Int64[Tensor, "batch"]:
        """`sample_ids` on the device of the other tensors, copied once."""
        return upload(self.sample_ids, self.poses.mesh.device)

    def rows(self, part: slice) -> Scene:
        """Returns the scenes of some consecutive images, as views."""
        start, stop, _ = part.indices(len(self.sample_ids))
        rows = {
            name: tuple(row - start for row in all_rows if start <= row < stop)
            for name, all_rows in self.structure.rows.items()
        }
        return replace(
            self,
            **{name: map_leaves(getattr(self, name), itemgetter(part)) for name in PER_IMAGE},
            sample_ids=self.sample_ids[part],
            structure=replace(self.structure, mesh=self.structure.mesh[part], rows=rows),
            draws=self.draws.map(lambda packed: packed[part]),
        )


PER_IMAGE = (
    "poses",
    "materials",
    "lights",
    "camera",
    "background",
    "effects",
    "box_jitter",
    "depth_noise",
    "motion",
)
"""Fields of `Scene` whose tensors have one row per image."""


@dataclass(frozen=True)
class Instances:
    """What a rasterizer needs of a scene: S triangle ranges per image and their poses in the camera frame."""

    vertex_offset: Int32[Tensor, "batch slot"]
    """Row of the bank's vertices to which the triangles' indices are relative."""
    first_triangle: Int32[Tensor, "batch slot"]
    triangle_count: Int32[Tensor, "batch slot"]
    """0 for an empty slot."""
    closed: Bool[Tensor, "batch slot"]
    camera_from_bank: Float[Tensor, "batch slot 3 4"]
    """From bank coordinates to the camera frame, metres; scale included."""
