"""Writes models in metres: .obj with .mtl and .png, .glb with embedded images, or .ply with vertex colours.

Models have z up, and so have the files but for .glb, where y is up because the format says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from model import Part, linear, rgb
from PIL import Image
from surface import Surface, joined

Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Turns a model's z into y, and its y into -z."""


def write(parts: list[Part], path: Path) -> None:
    """Writes a model in the format that the file name's ending asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = {".obj": _write_obj, ".glb": _write_glb, ".ply": _write_ply}[path.suffix]
    writer([replace(part, surface=_in_metres(part.surface)) for part in parts], path)


def _in_metres(surface: Surface) -> Surface:
    """Scales and rounds to 0.1 micrometres, so that points which should coincide do; + 0.0 leaves no -0.0."""
    return replace(surface, vertices=np.round(surface.vertices / 1000, 7) + 0.0)


def _by_paint(parts: list[Part]) -> list[Part]:
    """Joins the parts that wear the same paint."""
    groups: dict[int | str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.paint if isinstance(part.paint, str) else id(part.paint), []).append(part)
    return [Part(joined([part.surface for part in group]), group[0].paint) for group in groups.values()]


def _write_obj(parts: list[Part], path: Path) -> None:
    groups = _by_paint(parts)
    lines, first = [f"mtllib {path.stem}.mtl"], 1
    for number, group in enumerate(groups):
        lines += _obj_lines(group.surface, f"paint_{number}", first)
        first += len(group.surface.vertices)
    path.write_text("\n".join(lines) + "\n")
    materials = (_material_lines(group, f"paint_{number}", path) for number, group in enumerate(groups))
    path.with_suffix(".mtl").write_text("\n".join(line for lines in materials for line in lines) + "\n")


def _obj_lines(surface: Surface, material: str, first: int) -> Iterable[str]:
    for x, y, z in surface.vertices:
        yield f"v {x:.7g} {y:.7g} {z:.7g}"
    for u, v in surface.uvs:
        yield f"vt {u:.5g} {1 - v:.5g}"
    yield f"usemtl {material}"
    for a, b, c in surface.triangles + first:
        yield f"f {a}/{a} {b}/{b} {c}/{c}"


def _material_lines(part: Part, name: str, path: Path) -> list[str]:
    """Writes the part's image, if it has one. `Kd` is linear light."""
    if isinstance(part.paint, str):
        r, g, b = linear(rgb(part.paint))
        return [f"newmtl {name}", f"Kd {r:.4f} {g:.4f} {b:.4f}"]
    image = path.with_suffix(".png")
    Image.fromarray(part.paint).save(image, optimize=True)
    return [f"newmtl {name}", "Kd 1 1 1", f"map_Kd {image.name}"]


def _write_glb(parts: list[Part], path: Path) -> None:
    scene = trimesh.Scene()
    for number, group in enumerate(_by_paint(parts)):
        vertices = group.surface.vertices @ Y_UP.T + 0.0
        mesh = trimesh.Trimesh(vertices, group.surface.triangles, process=False)
        uv = group.surface.uvs * [1, -1] + [0, 1]
        mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=_pbr_material(group, f"paint_{number}"))
        scene.add_geometry(mesh, geom_name=f"part_{number}")
    path.write_bytes(scene.export(file_type="glb"))


def _pbr_material(part: Part, name: str) -> trimesh.visual.material.PBRMaterial:
    """Factors are linear light, images sRGB."""
    look = {"name": name, "metallicFactor": 0.0, "roughnessFactor": 0.6}
    if isinstance(part.paint, str):
        factor = np.append(linear(rgb(part.paint)), 1.0)
        return trimesh.visual.material.PBRMaterial(baseColorFactor=factor, **look)
    return trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(part.paint), **look)


def _write_ply(parts: list[Part], path: Path) -> None:
    surface = joined([part.surface for part in parts])
    colors = np.concatenate([_vertex_colors(part) for part in parts])
    mesh = trimesh.Trimesh(surface.vertices, surface.triangles, vertex_colors=colors, process=False)
    path.write_bytes(mesh.export(file_type="ply", vertex_normal=False))


def _vertex_colors(part: Part) -> np.ndarray:
    """sRGB bytes [vertex, 4]."""
    shades = np.ones((len(part.surface.vertices), 3)) if part.shades is None else part.shades
    color = np.clip(rgb(part.paint) * shades, 0, 1)
    return np.insert(np.round(color * 255).astype(np.uint8), 3, 255, axis=1)
