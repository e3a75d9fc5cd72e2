"""How files are loaded and images are rendered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ondr.settings.section import Section


class Render(Section):
    """How images are rendered."""

    antialias: Literal["auto"] | bool = Field(default="auto", description="whether edges are antialiased; auto: true")
    compile: Literal["auto"] | bool = Field(
        default="auto",
        description="whether shading is compiled to one loop; auto: on the CPU, and on CUDA if torch.compile works",
    )
    micro_batch: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        default="auto", description="number of images of a batch that are rendered at once"
    )
    detail_pixels: float = Field(
        default=0.2,
        ge=0,
        le=8,
        description="meshes are simplified as long as nothing moves by more than this, pixels; 0: full detail",
    )
    texture_filter: Literal["bilinear", "trilinear"] = Field(
        default="bilinear", description="bilinear: in the nearest mip level; trilinear: between two levels"
    )


class AssetSettings(Section):
    """How files are loaded."""

    on_bad: Literal["error", "skip"] = Field(default="error", description="what to do with a file that cannot be used")
    max_texture_size: Literal[64, 128, 256, 512, 1024, 2048, 4096] = Field(
        default=1024, description="larger textures are scaled down to this side, pixels"
    )
    crease_degrees: float = Field(
        default=40, ge=0, le=180, description="edges with a larger angle between face normals stay sharp"
    )
    cache: bool = Field(
        default=True, description="whether loaded meshes are cached in ONDR_CACHE, or the user's cache folder"
    )
    progress: bool = Field(default=True, description="whether a progress bar is shown on a terminal")


class Split(Section):
    """A hold-out split of meshes, textures and photos by the hash of their content."""

    part: Literal["train", "test"] = Field(default="train", description="which part to use")
    share: float = Field(default=0.1, gt=0, lt=1, description="share of the files in the test part")
