"""The base class of all sections of settings, names that several of them share, and colours."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

from ondr.laws import Law
from ondr.quantity import Spec, parse, quantity

Layout = Literal["flying", "tabletop", "hemisphere", "clutter", "structured"]
BEFORE_CAMERA: tuple[Layout, ...] = ("flying", "clutter")
"""Layouts in front of a camera: screen size and size are drawn, the distance follows."""
ON_GROUND: tuple[Layout, ...] = ("tabletop", "hemisphere", "structured")
"""Layouts on a plane: size and the camera's distance are drawn, the screen size follows."""
SPREAD: tuple[Layout, ...] = ("tabletop", "hemisphere")
"""Layouts that spread things over a rectangle of the ground."""
SIZES = "median sizes of the objects"
"""The unit of lengths, so that settings fit meshes of any size. On the ground, tabletop takes half of the image's
largest object if that is more, hemisphere the subject's size, and structured the room of one thing."""
Axis = Literal["x", "-x", "y", "-y", "z", "-z"]
"""An axis of a file and its direction."""
Up = Literal["auto", "x", "-x", "y", "-y", "z", "-z"]
"""Which axis of a file points up; auto: the one that its format says, z where it says none."""
UP = "axis of the mesh files that points up; auto: y in .glb and .gltf, as their format says, z in all others"
UPRIGHT = {"tabletop": "yaw", "hemisphere": "yaw", "structured": "upright"}
"""Default rotations on the ground: things stand upright, in lanes facing the same way."""
POSITIVE = 1e-6
"""The smallest size, factor or share: division by it is still harmless in float32."""


class Section(BaseModel):
    """A section of settings. Random quantities are stored as laws."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def spec(cls, name: str) -> Spec | None:
        """Returns the spec of a random quantity; None for any other key."""
        extra = cls.model_fields[name].json_schema_extra
        return extra["spec"] if isinstance(extra, dict) else None  # type: ignore[return-value]

    def names_used_in(self, layout: str) -> list[str]:
        """Returns the keys that a layout uses; a section counts if the layout uses any of its keys."""
        return [name for name in type(self).model_fields if self.uses(name, layout)]

    def uses(self, name: str, layout: str) -> bool:
        """Returns whether a key has a meaning in a layout, given the other keys of the section."""
        value, spec = getattr(self, name), self.spec(name)
        if isinstance(value, Section):
            return bool(value.names_used_in(layout))
        return spec is None or spec.used_in(layout)

    def misplaced(self, layout: str) -> list[str]:
        """Returns the dotted names of quantities that were set although the layout does not use them."""
        found = []
        for name in type(self).model_fields:
            value, spec = getattr(self, name), self.spec(name)
            if isinstance(value, Section):
                found += [f"{name}.{inner}" for inner in value.misplaced(layout)]
            elif spec is not None and not spec.used_in(layout) and name in self.model_fields_set:
                found.append(name)
        return found

    def usual_in(self, layout: str) -> Section:
        """Returns the section with the layout's own defaults for everything that was not set."""
        values = {}
        for name in type(self).model_fields:
            value, spec = getattr(self, name), self.spec(name)
            if isinstance(value, Section):
                value = value.usual_in(layout)
            elif spec is not None and name not in self.model_fields_set:
                value = parse(spec.usual[layout], spec) if layout in spec.usual else value
            values[name] = value
        return type(self).model_construct(_fields_set=self.model_fields_set, **values)

    @field_validator("*", mode="before")
    @classmethod
    def _law(cls, written: Any, info: ValidationInfo) -> Any:
        spec = cls.spec(info.field_name or "")
        return written if spec is None else parse(written, spec)


def inner_section(annotation: Any) -> type[Section] | None:
    """Returns the section that a field with this annotation holds, also where it may be null; None: no section."""
    members = get_args(annotation) or (annotation,)
    return next((m for m in members if isinstance(m, type) and issubclass(m, Section)), None)


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
