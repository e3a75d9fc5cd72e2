"""Hand-made files: a quad of two triangles and a cube in every format, and small images."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32)
QUAD_UV_UP = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
QUAD_FACES = np.array([[0, 1, 2], [0, 2, 3]])
CORNERS = {"top left": (255, 0, 0), "top right": (0, 255, 0), "bottom left": (0, 0, 255), "bottom right": (255,) * 3}

QUAD_OBJ = """\
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
f 1/1 2/2 3/3 4/4
"""

CUBE_VERTICES = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
CUBE_QUADS = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
CUBE_TRIANGLES = np.array([[q[0], q[i], q[i + 1]] for q in CUBE_QUADS for i in (1, 2)])


def cube_obj(materials: tuple[str, ...] = ()) -> str:
    """A unit cube whose six sides take the materials in turn."""
    lines = [f"v {x} {y} {z}" for x, y, z in CUBE_VERTICES]
    for side, quad in enumerate(CUBE_QUADS):
        lines += [f"usemtl {materials[side % len(materials)]}"] if materials else []
        lines.append("f " + " ".join(str(v + 1) for v in quad))
    return "\n".join(lines) + "\n"


def encoded(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    """An image file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def four_corners(side: int = 8) -> np.ndarray:
    """An image with another colour in each quarter: no mirror image or rotation of it is equal to it."""
    pixels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    pixels[:half, :half], pixels[:half, half:] = CORNERS["top left"], CORNERS["top right"]
    pixels[half:, :half], pixels[half:, half:] = CORNERS["bottom left"], CORNERS["bottom right"]
    return pixels


def bomb_png(side: int = 60_000) -> bytes:
    """A PNG that claims to be enormous."""
    data = encoded(np.zeros((1, 1, 3), np.uint8))
    header = b"IHDR" + struct.pack(">II", side, side) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def ply_text(*, faces: str = "3 0 1 2\n3 0 2 3\n", vertices: str = "", extra: str = "", count: int = 4) -> str:
    """A text PLY of the quad; `extra` are further property lines of the vertices."""
    vertices = vertices or "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
    return (
        f"ply\nformat ascii 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\n{extra}"
        f"element face {len(faces.splitlines())}\nproperty list uchar int vertex_indices\nend_header\n{vertices}{faces}"
    )


class Gltf:
    """A glTF document under construction."""

    def __init__(self) -> None:
        self.data = b""
        self.tree: dict[str, Any] = {"asset": {"version": "2.0"}, "bufferViews": [], "accessors": [], "materials": []}
        self.tree |= {"meshes": [], "nodes": [], "scenes": [{"nodes": [0]}], "scene": 0}

    def view(self, data: bytes) -> int:
        """Adds bytes, padded to four, and returns their view."""
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)})
        self.data += data + bytes(-len(data) % 4)
        return len(self.tree["bufferViews"]) - 1

    def accessor(self, array: np.ndarray) -> int:
        """Adds an array and returns its accessor."""
        kinds = {"float32": 5126, "uint16": 5123, "uint8": 5121, "uint32": 5125}
        shape = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}[1 if array.ndim == 1 else array.shape[1]]
        entry = {"bufferView": self.view(array.tobytes()), "componentType": kinds[array.dtype.name]}
        self.tree["accessors"].append(entry | {"count": len(array), "type": shape})
        return len(self.tree["accessors"]) - 1

    def quad(self, *, uvs: bool = True, material: int | None = None, **attributes: np.ndarray) -> dict[str, Any]:
        """Returns a primitive of the quad; its v runs down, as glTF has it."""
        primitive: dict[str, Any] = {"attributes": {"POSITION": self.accessor(QUAD)}}
        if uvs:
            primitive["attributes"]["TEXCOORD_0"] = self.accessor((QUAD_UV_UP * (1, -1) + (0, 1)).astype(np.float32))
        primitive["attributes"] |= {name: self.accessor(array) for name, array in attributes.items()}
        primitive["indices"] = self.accessor(QUAD_FACES.astype(np.uint16).reshape(-1))
        return primitive if material is None else primitive | {"material": material}

    def mesh(self, *primitives: dict[str, Any], **node: Any) -> None:
        """Adds a mesh and a node below the root that places it."""
        self.tree["meshes"].append({"primitives": list(primitives)})
        self.tree["nodes"].append({"mesh": len(self.tree["meshes"]) - 1, **node})
        self.tree["scenes"][0]["nodes"] = list(range(len(self.tree["nodes"])))

    def save_glb(self, path: Path) -> Path:
        """Writes one binary file."""
        tree = self.tree | {"buffers": [{"byteLength": len(self.data)}]}
        text = json.dumps(tree).encode()
        text += b" " * (-len(text) % 4)
        chunks = (
            struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(self.data), b"BIN\0") + self.data
        )
        path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)
        return path

    def save_gltf(self, path: Path, uri: str = "data.bin") -> Path:
        """Writes a text file and its buffer."""
        tree = self.tree | {"buffers": [{"byteLength": len(self.data), "uri": uri}]}
        path.write_text(json.dumps(tree))
        (path.parent / "data.bin").write_bytes(self.data)
        return path


def unpack_words(words: np.ndarray) -> np.ndarray:
    """Returns the linear RGB 0..1, float32 `[*shape, 3]`, that the bank's words stand for."""
    unsigned = words.view(np.uint32)
    channels = np.stack([unsigned >> shift & 255 for shift in (0, 8, 16)], axis=-1)
    return (channels.astype(np.float32) / 255) ** 2
