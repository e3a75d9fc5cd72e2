"""The tree of settings with its checks across sections.

Reading files, overrides and the wording of errors are left to `config`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ondr.laws import Choice
from ondr.pixel_format import DTYPES, PixelFormat
from ondr.settings.augmentation import Augmentation
from ondr.settings.background import Background
from ondr.settings.camera import Camera
from ondr.settings.depth_sensor import DepthSensor
from ondr.settings.labels import Labels, Output
from ondr.settings.lights import Lights
from ondr.settings.material import MaterialBank
from ondr.settings.motion import Motion
from ondr.settings.objects import Objects
from ondr.settings.photometric import Photometric
from ondr.settings.rendering import AssetSettings, Render, Split
from ondr.settings.section import Layout, Section
from ondr.settings.structured import Structured
from ondr.settings.surfaces import Floor, Room, Table
from ondr.settings.unlabelled import Clutter, Composed, Context, Distractors, Occluders

Side = Annotated[int, Field(ge=8, le=2048)]
"""Side of an image: nvdiffrast renders at most 2048 pixels a side in one piece."""
INSTEAD = defaultdict(
    lambda: "has no use for it. Leave it out, or choose another layout.",
    screen_size="derives it from objects.size and camera.distance. Set those.",
    distance="derives it from objects.screen_size and objects.size. Set those.",
)
"""What a layout does instead of using a quantity, and what to do, by the quantity's last name."""
OF_FILES = ("camera_from_object", "scale", "object_coordinates", "keypoints", "keypoints_3d", "symmetries")
"""Outputs in the coordinates of the mesh files."""


class Settings(Section):
    """All settings."""

    # Defaults are validated as well, because those of a section depend on the layout.
    model_config = ConfigDict(validate_default=True)

    image_size: tuple[Side, Side] = Field(default=(256, 256), description="height, width in pixels")
    batch_size: int = Field(default=32, ge=1, le=65536, description="images per batch")
    seed: int = Field(default=0, ge=0, lt=2**64, description="random seed; another seed gives another stream")
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:1")
    batches_per_epoch: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="batches per pass and rank; null: endless"
    )
    outputs: tuple[Output, ...] = Field(
        default=("boxes", "labels", "mesh_ids", "visibility"), description="targets to compute"
    )
    images_dtype: Literal["float32", "float16", "bfloat16", "uint8"] = Field(
        default="float32", description="type of the images: 0..1, or 0..255 for uint8"
    )
    channels_last: bool = Field(default=False, description="whether images are in torch.channels_last memory format")
    classes: tuple[str, ...] | None = Field(
        default=None,
        description="class names in the order of their ids, possibly a subset; null: the sorted folder names",
    )
    layout: Layout = Field(
        default="flying",
        description="flying: floating in front of the camera; clutter: in three depth layers in front of it; tabletop, "
        "hemisphere, structured: on a plane",
    )
    objects: Objects = Field(default=Objects(), description="objects of interest, which are labelled")
    distractors: Distractors = Field(default=Distractors(), description="simple shapes without labels")
    context: Context = Field(default=Context(), description="meshes without labels that are placed like objects")
    occluders: Occluders = Field(default=Occluders(), description="things that partly cover an object")
    clutter: Clutter = Field(default=Clutter(), description="a wall of things behind everything (layout clutter)")
    composed: Composed = Field(default=Composed(), description="random meshes: unions of primitives")
    structured: Structured = Field(default=Structured(), description="lanes, rows and shelves (layout structured)")
    floor: Floor = Field(default=Floor(), description="a ground plane")
    table: Table = Field(default=Table(), description="a table")
    room: Room = Field(default=Room(), description="walls and a ceiling")
    materials: MaterialBank = Field(default=MaterialBank(), description="textures for any surface")
    background: Background = Field(default=Background(), description="what is seen behind everything")
    lights: Lights = Field(default=Lights(), description="lights")
    camera: Camera = Field(default=Camera(), description="camera")
    augmentation: Augmentation = Field(default=Augmentation(), description="flips, crops and affine maps of the image")
    photometric: Photometric = Field(default=Photometric(), description="effects of lens, sensor and processing")
    depth_sensor: DepthSensor = Field(default=DepthSensor(), description="depth camera (output sensor_depth)")
    motion: Motion = Field(default=Motion(), description="motion of camera and objects (output optical_flow)")
    labels: Labels = Field(default=Labels(), description="which visible objects count")
    render: Render = Field(default=Render(), description="how images are rendered")
    assets: AssetSettings = Field(default=AssetSettings(), description="how files are loaded")
    split: Split | None = Field(default=None, description="hold-out split of assets; null: use all")

    @property
    def pixel_format(self) -> PixelFormat:
        """Type and memory format of images."""
        return PixelFormat(DTYPES[self.images_dtype], self.channels_last)

    @field_validator("device", mode="after")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"must be auto, cpu, cuda or cuda:N, got {device!r}")
        return device

    @field_validator("*", mode="after")
    @classmethod
    def _usual(cls, value: Any, info: ValidationInfo) -> Any:
        # `layout` is validated before all sections; if it is wrong, that error is reported instead.
        return value.usual_in(info.data.get("layout", "")) if isinstance(value, Section) else value

    @field_validator("objects", "distractors", "context", "occluders", "clutter", "lights", mode="after")
    @classmethod
    def _bounded_count(cls, section: Any, info: ValidationInfo) -> Any:
        if math.isinf(section.count.support[1]) or (isinstance(section.count, Choice) and not section.count.numeric):
            raise ValueError(f"must have a largest count, got {section.count.to_config()}")
        return section

    @model_validator(mode="after")
    def _bent_has_no_pose(self) -> Self:
        rigid = [name for name in self.outputs if name in OF_FILES]
        if self.objects.bends_degrees and rigid:
            raise ValueError(
                f"outputs must not name {rigid[0]} with objects.bends_degrees, got {list(self.objects.bends_degrees)}: "
                "a bent object has no rigid pose in its file's coordinates. Leave one of the two out."
            )
        return self

    @model_validator(mode="after")
    def _calibration_is_of_such_images(self) -> Self:
        known = self.camera.calibration
        if known is not None:
            ratio = known.size[1] / known.size[0] * self.image_size[0] / self.image_size[1]
            if not 0.99 < ratio < 1.01:
                raise ValueError(
                    f"camera.calibration.size (height, width) must have the shape of image_size = "
                    f"{list(self.image_size)}, got {list(known.size)}. Change image_size, or swap the two numbers."
                )
        return self

    @model_validator(mode="after")
    def _lens_reaches_the_corners(self) -> Self:
        if self.camera.folded(self.image_size):
            lows = {name: getattr(self.camera.distortion, name).support[0] for name in ("k1", "k2", "k3")}
            raise ValueError(
                f"camera.distortion must send a ray to every pixel, got {lows} as its lowest values, with which the "
                "image folds before its corner at the widest field of view. Raise these values or narrow the view."
            )
        return self

    @model_validator(mode="after")
    def _goes_with_layout(self) -> Self:
        if misplaced := self.misplaced(self.layout):
            name = misplaced[0]
            raise ValueError(
                f"{name} must not be set with layout {self.layout}, which {INSTEAD[name.rpartition('.')[2]]}"
            )
        return self
