"""The tree of settings: what may vary, within which law, and every other choice, each documented where it stands.

Reading files, overrides and the wording of errors are left to `config`.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ondr.laws import Choice, Law
from ondr.quantity import Spec, parse, quantity

Output = Literal[
    "boxes",
    "boxes_amodal",
    "labels",
    "mesh_ids",
    "visibility",
    "truncation",
    "ignored",
    "instances",
    "depth",
    "normals",
    "camera_from_object",
    "scale",
    "intrinsics",
    "camera_from_world",
]
Shape = Literal[
    "cube",
    "sphere",
    "cone",
    "cylinder",
    "pyramid",
    "torus",
    "capsule",
    "icosahedron",
    "arrow",
    "ring_segment",
]
SHAPES: tuple[Shape, ...] = Shape.__args__  # type: ignore[attr-defined]
POSITIVE = 1e-6  # The smallest size, factor or share: division by it is still harmless in float32.
Side = Annotated[int, Field(ge=8, le=2048)]  # nvdiffrast draws at most 2048 pixels a side in one piece.


class Section(BaseModel):
    """A group of settings. Random quantities are stored as laws."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def spec(cls, name: str) -> Spec | None:
        """Returns the spec of a random quantity; None for any other key."""
        extra = cls.model_fields[name].json_schema_extra
        return extra["spec"] if isinstance(extra, dict) else None  # type: ignore[return-value]

    @field_validator("*", mode="before")
    @classmethod
    def _law(cls, written: Any, info: ValidationInfo) -> Any:
        spec = cls.spec(info.field_name or "")
        return written if spec is None else parse(written, spec)


class Color(Section):
    """A colour, sRGB, each component from 0 to 1."""

    r: Law = quantity([0, 1], "red", low=0, high=1)
    g: Law = quantity([0, 1], "green", low=0, high=1)
    b: Law = quantity([0, 1], "blue", low=0, high=1)

    @model_validator(mode="before")
    @classmethod
    def _hex(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", written):
            raise ValueError(f"must be '#rrggbb' or {{r: , g: , b: }}, got {written!r}")
        return {c: int(written[i : i + 2], 16) / 255 for c, i in zip("rgb", (1, 3, 5), strict=True)}


class Position(Section):
    """Where an object's centre lies in the image: shares of its width and height from the top left corner."""

    x: Law = quantity([0.05, 0.95], "share of the image's width", low=-1, high=2)
    y: Law = quantity([0.05, 0.95], "share of the image's height", low=-1, high=2)


SOURCES = ("own", "texture", "color")


class Material(Section):
    """How a surface looks."""

    source: Law = quantity(
        {"choice": ["own", "texture", "color"], "weights": [0.6, 0.25, 0.15]},
        "own: the file's textures and colours; texture: one of materials.textures; color: plain",
        kind="one_of",
        options=SOURCES,
    )
    texture: Law = quantity("uniform", "which foreign texture", kind="one_of")
    texture_scale: Law = quantity({"log_uniform": [0.5, 3]}, "repeats of a foreign texture", low=POSITIVE, high=1000)
    color: Color = Field(default=Color(), description="colour of a plain surface, sRGB")
    tint: Law = quantity([0.5, 1], "brightness of a foreign texture, a factor", low=0, high=1)
    roughness: Law = quantity([0.2, 0.9], "GGX roughness", low=0.02, high=1)
    specular: Law = quantity([0.02, 0.08], "reflectance at normal incidence", low=0, high=1)


class Objects(Section):
    """The objects of interest: what is to be recognised."""

    meshes: Literal["sample"] | Path | tuple[Path, ...] = Field(
        default="sample", description="folder of meshes, one sub-folder per class; or a list of folders"
    )
    unit: Literal["m", "mm", "cm", "unit"] = Field(
        default="m", description="unit of the files; unit: each mesh's longest side is 1 m"
    )
    count: Law = quantity([1, 6], "number", kind="count", low=0, high=1000, each=False, structure=True)
    label: Law = quantity("uniform", "which class", kind="one_of", structure=True)
    instance: Law = quantity("uniform", "which file of the class", kind="one_of", structure=True)
    screen_size: Law = quantity(
        [0.1, 0.6], "longest side as a share of the image's shorter side", low=POSITIVE, high=1000
    )
    size: Law | Literal["file"] = quantity(
        "file", "longest side; file: as in the file", unit="m", low=POSITIVE, high=1e6, derived_from="file"
    )
    position: Position = Field(default=Position(), description="place in the image")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation")
    material: Material = Field(default=Material(), description="surface")


class DistractorMaterial(Material):
    """How a distractor's surface looks."""

    source: Law = quantity(
        {"choice": ["texture", "color"], "weights": [0.6, 0.4]},
        "texture: one of materials.textures; color: plain",
        kind="one_of",
        options=SOURCES,
    )


class Distractors(Section):
    """Flying shapes that are not labelled."""

    shapes: tuple[Shape, ...] = Field(default=SHAPES, min_length=1, description="the shapes to choose from")
    count: Law = quantity([0, 10], "number", kind="count", low=0, high=1000, each=False, structure=True)
    shape: Law = quantity("uniform", "which of distractors.shapes", kind="one_of", structure=True)
    screen_size: Law = quantity(
        [0.05, 0.35], "longest side as a share of the image's shorter side", low=POSITIVE, high=1000
    )
    size: Law = quantity(
        {"log_uniform": [0.3, 2]},
        "longest side; about 1, so that as many are in front of an object as behind",
        unit="median sizes of the objects",
        low=POSITIVE,
        high=1e6,
    )
    position: Position = Field(default=Position(), description="place in the image")
    rotation: Law = quantity("so3", "orientation in the world", kind="rotation")
    material: DistractorMaterial = Field(default=DistractorMaterial(), description="surface")


class MaterialBank(Section):
    """Images that may be laid on any surface."""

    textures: Literal["sample"] | Path | None = Field(default="sample", description="folder of tiles; null: none")


class Background(Section):
    """What is seen behind everything."""

    photos: Path | None = Field(default=None, description="folder of photos; null: none")
    photo_size: Literal[64, 128, 256, 512, 1024] = Field(
        default=512, description="side a photo is resampled to, pixels"
    )
    max_photos: int = Field(default=500, ge=1, description="how many photos are kept on the device")
    source: Law = quantity(
        {"choice": ["photo", "texture", "noise", "color"], "weights": [0.7, 0.15, 0.1, 0.05]},
        "where the background comes from; a source without images counts for nothing",
        kind="one_of",
        options=("photo", "texture", "noise", "color"),
    )
    photo: Law = quantity("uniform", "which photo", kind="one_of")
    texture: Law = quantity("uniform", "which of materials.textures", kind="one_of")
    noise: Law = quantity("uniform", "which noise tile", kind="one_of")
    crop: Law = quantity([0.5, 1], "part of a photo that fills the image, as a share of its side", low=0.01, high=1)
    crop_x: Law = quantity([0, 1], "place of the crop, from left to right", low=0, high=1)
    crop_y: Law = quantity([0, 1], "place of the crop, from top to bottom", low=0, high=1)
    mirror: Law = quantity({"bernoulli": 0.5}, "whether a photo is mirrored", kind="bool")
    texture_scale: Law = quantity(
        {"log_uniform": [0.5, 4]}, "repeats of a tile across the shorter side", low=POSITIVE, high=1000
    )
    rotation_degrees: Law = quantity([0, 360], "rotation of a tile", unit="degrees", low=-360, high=360)
    color: Color = Field(default=Color(), description="plain colour, and tint of noise tiles, sRGB")


class LightColor(Color):
    """The tint of a light, linear factors from 0 to 1."""

    r: Law = quantity([0.85, 1], "red", low=0, high=1)
    g: Law = quantity([0.85, 1], "green", low=0, high=1)
    b: Law = quantity([0.85, 1], "blue", low=0, high=1)


class Lights(Section):
    """Point and directional lights, and light from everywhere."""

    count: Law = quantity([1, 4], "number", kind="count", low=0, high=64, each=False, structure=True)
    intensity: Law = quantity(
        {"log_uniform": [0.3, 3]},
        "brightness at the scene's centre; 1 makes a white surface that faces the light white",
        low=0,
        high=1e4,
    )
    color: LightColor = Field(default=LightColor(), description="tint, linear factors")
    directional: Law = quantity({"bernoulli": 0.3}, "whether it is infinitely far away", kind="bool")
    azimuth_degrees: Law = quantity([0, 360], "direction around the vertical", unit="degrees", low=-360, high=360)
    elevation_degrees: Law = quantity([-10, 90], "direction above the horizon", unit="degrees", low=-90, high=90)
    distance: Law = quantity(
        {"log_uniform": [1.5, 6]}, "distance from the scene's centre", unit="scene radii", low=0.1, high=1e4
    )
    ambient: Law = quantity([0.1, 0.5], "light from everywhere, for all surfaces alike", low=0, high=100, each=False)


class Camera(Section):
    """A pinhole camera."""

    fov_degrees: Law = quantity([40, 70], "angle across the image's longer side", unit="degrees", low=1, high=170)
    roll_degrees: Law = quantity([-20, 20], "rotation about the optical axis", unit="degrees", low=-360, high=360)


class Photometric(Section):
    """What the camera does to the picture, in this order."""

    engine: Literal["fused", "kornia"] = Field(
        default="fused", description="fused: all effects in one pass; kornia: one after the other, as their reference"
    )
    blur: Law = quantity({"bernoulli": 0.2}, "whether the image is blurred", kind="bool", structure=True)
    blur_sigma: Law = quantity([0.3, 1.5], "standard deviation of a Gaussian blur", unit="pixels", low=0.05, high=20)
    brightness: Law = quantity([0.8, 1.2], "factor", low=0, high=100)
    contrast: Law = quantity([0.8, 1.2], "factor about mid-grey", low=0, high=100)
    saturation: Law = quantity([0.7, 1.3], "factor", low=0, high=100)
    hue_degrees: Law = quantity([-8, 8], "shift of the hue", unit="degrees", low=-180, high=180)
    noise_std: Law = quantity([0, 0.03], "standard deviation of Gaussian noise, image range 0 to 1", low=0, high=10)


class Labels(Section):
    """When a visible object counts. Others that are visible are `ignored`, with their box."""

    min_visibility: float = Field(default=0.1, ge=0, le=1, description="least visible share of the object")
    min_pixels: int = Field(default=16, ge=1, description="least number of visible pixels")
    max_truncation: float = Field(default=0.9, ge=0, le=1, description="largest share outside the image")


class Render(Section):
    """How images are made."""

    antialias: Literal["auto"] | bool = Field(default="auto", description="smooth edges; auto: true")
    compile: Literal["auto"] | bool = Field(
        default="auto", description="torch.compile of shading and exposure; auto: where a compiler is found"
    )
    micro_batch: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        default="auto", description="images rendered at once within a batch"
    )
    texture_filter: Literal["bilinear", "trilinear"] = Field(
        default="bilinear", description="bilinear: in the nearest mip level; trilinear: between two"
    )


class AssetSettings(Section):
    """How files are loaded."""

    on_bad: Literal["error", "skip"] = Field(default="error", description="what to do with a file that cannot be used")
    max_texture_size: Literal[64, 128, 256, 512, 1024, 2048, 4096] = Field(
        default=1024, description="larger textures are scaled down to this side, pixels"
    )
    crease_degrees: float = Field(default=40, ge=0, le=180, description="edges sharper than this stay sharp")
    progress: bool = Field(default=True, description="show a progress bar on a terminal")


class Split(Section):
    """Meshes, textures and photos held out by the hash of their content."""

    part: Literal["train", "test"] = Field(default="train", description="which part to use")
    share: float = Field(default=0.1, gt=0, lt=1, description="share of the files in the test part")


class Settings(Section):
    """All settings."""

    image_size: tuple[Side, Side] = Field(default=(256, 256), description="height, width in pixels")
    batch_size: int = Field(default=32, ge=1, le=65536, description="images rendered at once")
    seed: int = Field(default=0, ge=0, lt=2**64, description="another seed is another stream")
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:1")
    batches_per_epoch: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="batches of one pass on each rank; null: endless"
    )
    outputs: tuple[Output, ...] = Field(
        default=("boxes", "labels", "mesh_ids", "visibility"), description="which targets are computed"
    )
    classes: tuple[str, ...] | None = Field(
        default=None, description="names that fix the order and subset of class ids; null: the folders, sorted"
    )
    layout: Literal["flying"] = Field(default="flying", description="flying: free in front of the camera")
    objects: Objects = Field(default=Objects(), description="what is to be recognised")
    distractors: Distractors = Field(default=Distractors(), description="flying shapes that are not labelled")
    materials: MaterialBank = Field(default=MaterialBank(), description="images for any surface")
    background: Background = Field(default=Background(), description="behind everything")
    lights: Lights = Field(default=Lights(), description="light")
    camera: Camera = Field(default=Camera(), description="camera")
    photometric: Photometric = Field(default=Photometric(), description="what the camera does to the picture")
    labels: Labels = Field(default=Labels(), description="when a visible object counts")
    render: Render = Field(default=Render(), description="how images are made")
    assets: AssetSettings = Field(default=AssetSettings(), description="how files are loaded")
    split: Split | None = Field(default=None, description="held-out assets; null: use all")

    @field_validator("device", mode="after")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"must be auto, cpu, cuda or cuda:N, got {device!r}")
        return device

    @field_validator("objects", "distractors", "lights", mode="after")
    @classmethod
    def _bounded_count(cls, section: Any, info: ValidationInfo) -> Any:
        if math.isinf(section.count.support[1]) or (isinstance(section.count, Choice) and not section.count.numeric):
            raise ValueError(f"must have a largest count, got {section.count.to_config()}")
        return section
