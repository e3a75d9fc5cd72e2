"""How files are loaded and images made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ondr.settings.section import Section


class Render(Section):
    """How images are made."""

    antialias: Literal["auto"] | bool = Field(default="auto", description="smooth edges; auto: true")
    compile: Literal["auto"] | bool = Field(
        default="auto",
        description="run shading as one loop over pixels; auto: always on the CPU, on CUDA where torch.compile works",
    )
    micro_batch: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        default="auto", description="images rendered at once within a batch"
    )
    detail_pixels: float = Field(
        default=0.2, ge=0, le=8, description="meshes are drawn coarser where that moves nothing by more; 0: never"
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
    cache: bool = Field(
        default=True, description="keep meshes that were read in ONDR_CACHE, or the user's cache folder, for next time"
    )
    progress: bool = Field(default=True, description="show a progress bar on a terminal")


class Split(Section):
    """Meshes, textures and photos held out by the hash of their content."""

    part: Literal["train", "test"] = Field(default="train", description="which part to use")
    share: float = Field(default=0.1, gt=0, lt=1, description="share of the files in the test part")
