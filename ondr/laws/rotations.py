"""Laws of orientations. A value is a quaternion w x y z, which `sampling` draws from several words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ondr.laws.base import Law


@dataclass(frozen=True)
class SO3(Law):
    """A rotation uniform on SO(3), as a quaternion w x y z. Written as `so3`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "so3"


@dataclass(frozen=True)
class Yaw(Law):
    """A rotation about the vertical by a uniform angle, as a quaternion w x y z. Written as `yaw`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "yaw"


@dataclass(frozen=True)
class Upright(Law):
    """No rotation: the orientation of the file, as a quaternion w x y z. Written as `upright`."""

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "upright"


@dataclass(frozen=True)
class Views(Law):
    """Evenly spread views of a thing: from the corners of an icosphere, each with several rotations in the image plane.

    The value is a quaternion w x y z for a camera that looks along +y, as in the layouts flying and clutter. Written as
    `{views: {subdivisions: 2, in_plane: 12}}`; with `cycle: true` all views come equally often.

    Source: Hinterstoisser et al. 2019, "An annotation saved is an annotation earned", section 3.2.
    """

    components: ClassVar[int] = 4
    fixed: ClassVar[tuple[str, ...]] = ("subdivisions", "in_plane", "cycle")
    subdivisions: int
    """Subdivisions of the icosahedron."""
    in_plane: int
    """Rotations in the image plane per corner."""
    cycle: bool
    """Whether the orientations come equally often."""

    def problem(self) -> str | None:
        fine = 0 <= self.subdivisions <= 5 and 1 <= self.in_plane <= 360
        return None if fine else "must have subdivisions from 0 to 5 and in_plane from 1 to 360"

    @property
    def number(self) -> int:
        """Number of orientations."""
        return (10 * 4**self.subdivisions + 2) * self.in_plane

    def to_config(self) -> Any:
        return {"views": {"subdivisions": self.subdivisions, "in_plane": self.in_plane, "cycle": self.cycle}}


@dataclass(frozen=True)
class Resting(Law):
    """A pose in which the mesh comes to rest on a plane, turned about the vertical by a uniform angle.

    The value is the turn alone, as a quaternion w x y z; the pose is a separate draw, `resting_pose`. Written as
    `resting`.
    """

    components: ClassVar[int] = 4

    def to_config(self) -> Any:
        return "resting"
