"""glTF 2.0, as text with separate files or as one binary file.

trimesh reads geometry and scene graph from a copy without images, in which materials are numbered. Materials and images
are read here, since trimesh rounds colours to 8 bits, ignores missing images and misreads some accessors.

Source: Khronos Group, glTF 2.0 Specification, sections 3 and 4.4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from ondr.assets.files import read_bytes
from ondr.assets.parts import (
    WHITE,
    ImageData,
    Part,
    Surface,
    geometries,
    placed_corners,
    unit_range,
)
from ondr.assets.references import referenced_file
from ondr.errors import AssetError

KNOWN_EXTENSIONS = {"KHR_texture_transform", "EXT_texture_webp", "KHR_materials_pbrSpecularGlossiness"}
UNDRAWN_EXTENSIONS = ("KHR_materials_", "KHR_lights_", "KHR_xmp", "MSFT_lod")
"""Prefixes of extensions that do not affect what ondr draws."""
FLOAT = 5126


def read_gltf(path: Path) -> list[Part]:
    """Reads a .gltf or .glb file with its buffers and images.

    Raises:
        AssetError: The file, a buffer or an image is missing, broken, outside the folder or uses an unknown extension.
    """
    document = _document(path)
    tree = document.tree
    try:
        materials = enumerate(tree.get("materials", []))
        surfaces = [replace(_surface(document, material), name=str(number)) for number, material in materials]
        # The surfaces hold the images' bytes; trimesh would decode them without a size limit.
        plain = {k: v for k, v in tree.items() if k not in ("images", "textures", "samplers", "cameras")}
        plain["materials"] = [{"name": str(i)} for i in range(len(surfaces) + 1)]
        plain["buffers"] = [{"uri": str(i), "byteLength": len(b)} for i, b in enumerate(document.buffers)]
        for primitive in _primitives(tree):
            primitive.setdefault("material", len(surfaces))
            _use_uv_set(primitive, [*tree.get("materials", []), {}])
        _check_accessors(document)
    except AssetError:
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise _broken(path, f"{type(error).__name__}: {error}") from error
    buffers = {str(i): data for i, data in enumerate(document.buffers)}
    meshes = geometries(path, json.dumps(plain).encode(), "gltf", resolver=buffers)
    return [_part(matrix, mesh, [*surfaces, Surface(WHITE)]) for matrix, mesh in meshes]


def _part(matrix: np.ndarray, mesh: Any, surfaces: list[Surface]) -> Part:
    corners, rows = placed_corners(matrix, mesh)
    surface = surfaces[int(mesh.visual.material.name)]
    # trimesh flips v to count from the bottom.
    uvs = None if mesh.visual.uv is None else (np.asarray(mesh.visual.uv, np.float64) * (1, -1) + (0, 1))[rows]
    colors = mesh.visual.vertex_attributes.get("color")
    if colors is not None and np.issubdtype(colors.dtype, np.floating):
        colors = np.clip(colors, 0, 1)
    return Part(corners, uvs, None if colors is None else unit_range(colors)[rows], surface)


@dataclass(frozen=True)
class _Document:
    """The JSON tree and what it refers to."""

    path: Path
    tree: dict[str, Any]
    buffers: list[bytes]


def _document(path: Path) -> _Document:
    data = read_bytes(path)
    text, binary = _glb_chunks(path, data) if data[:4] == b"glTF" else (data, None)
    try:
        tree = json.loads(text)
        if not isinstance(tree, dict):
            raise TypeError(f"its top level is a {type(tree).__name__}")
        _check_support(path, tree)
        declared = tree.get("buffers", [])
        buffers = [binary if "uri" not in b and binary is not None else _uri_bytes(path, b["uri"]) for b in declared]
    except AssetError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(path, f"{type(error).__name__}: {error}") from error
    return _Document(path, tree, buffers)


def _check_support(path: Path, tree: dict[str, Any]) -> None:
    version = str(tree["asset"]["version"])
    if not version.startswith("2."):
        raise AssetError(f"{path} must be glTF 2, got version {version}. Export it again as glTF 2.0.")
    for extension in tree.get("extensionsRequired", []):
        if extension not in KNOWN_EXTENSIONS and not extension.startswith(UNDRAWN_EXTENSIONS):
            raise AssetError(
                f"{path} must not need extensions that are unknown here, got {extension}. Export it again without it."
            )


def _glb_chunks(path: Path, data: bytes) -> tuple[bytes, bytes]:
    """Splits a binary file into its JSON and its binary chunk."""
    chunks: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        size, kind = struct.unpack_from("<I4s", data, position)
        chunks.setdefault(kind, data[position + 8 : position + 8 + size])
        position += 8 + size
    if position > len(data) or len(data) < struct.unpack_from("<I", data.ljust(12, b"\xff"), 8)[0]:
        raise _broken(path, f"a file of {len(data)} bytes that is cut off")
    return chunks.get(b"JSON", b""), chunks.get(b"BIN\0", b"")


def _uri_bytes(path: Path, uri: str) -> bytes:
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise _broken(path, f"a data URI that is no base64 ({error})") from error
    return read_bytes(referenced_file(path, unquote(uri)))


def _primitives(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [primitive for mesh in tree.get("meshes", []) for primitive in mesh["primitives"]]


def _check_accessors(document: _Document) -> None:
    """Refuses accessors that trimesh misreads or that exceed their buffers.

    Raises:
        AssetError: An accessor is sparse or larger than its buffer, or texture coordinates are integers.
    """
    tree = document.tree
    for view in tree.get("bufferViews", []):
        if view.get("byteOffset", 0) + view["byteLength"] > len(document.buffers[view["buffer"]]):
            raise _broken(document.path, "a buffer that is cut off")
    accessors = tree.get("accessors", [])
    for accessor in accessors:
        if "sparse" in accessor or "bufferView" not in accessor:
            raise AssetError(
                f"{document.path} must store its accessors in full, got a sparse one. Export it again without them."
            )
        if accessor["count"] > tree["bufferViews"][accessor["bufferView"]]["byteLength"]:
            raise _broken(document.path, "an accessor that is larger than its buffer")
    for primitive in _primitives(tree):
        uvs = primitive["attributes"].get("TEXCOORD_0")
        if uvs is not None and accessors[uvs]["componentType"] != FLOAT:
            raise AssetError(
                f"{document.path} must have texture coordinates in floats, got integers. "
                f"Export it again without quantization."
            )


def _surface(document: _Document, material: dict[str, Any]) -> Surface:
    factor, texture = _base_color(material)
    r, g, b = (min(max(float(c), 0.0), 1.0) for c in factor[:3])
    if texture is None:
        return Surface((r, g, b))
    return Surface((r, g, b), _image(document, texture["index"]), _uv_map(_transform(texture)))


def _base_color(material: dict[str, Any]) -> tuple[Sequence[float], dict[str, Any] | None]:
    """Returns the colour of a material and what is said of its texture, if it has one."""
    glossy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
    pbr = material.get("pbrMetallicRoughness", {}) if glossy is None else glossy
    names = ("baseColorFactor", "baseColorTexture") if glossy is None else ("diffuseFactor", "diffuseTexture")
    return pbr.get(names[0], WHITE), pbr.get(names[1])


def _transform(texture: dict[str, Any]) -> dict[str, Any]:
    return texture.get("extensions", {}).get("KHR_texture_transform", {})


def _use_uv_set(primitive: dict[str, Any], materials: Sequence[dict[str, Any]]) -> None:
    """Puts the texture coordinates that the base colour lies on first, where trimesh takes them from."""
    texture = _base_color(materials[primitive["material"]])[1] or {}
    chosen = _transform(texture).get("texCoord", texture.get("texCoord", 0))
    attributes = primitive["attributes"]
    if f"TEXCOORD_{chosen}" in attributes:
        attributes["TEXCOORD_0"] = attributes[f"TEXCOORD_{chosen}"]


def _uv_map(transform: dict[str, Any]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Source: KHR_texture_transform: scale, then rotation (counter-clockwise as seen on the image), then offset."""
    (su, sv), (tu, tv) = (map(float, transform.get(key, at)) for key, at in (("scale", (1, 1)), ("offset", (0, 0))))
    cos, sin = math.cos(transform.get("rotation", 0)), math.sin(transform.get("rotation", 0))
    return (cos * su, sin * sv, tu), (-sin * su, cos * sv, tv)


def _image(document: _Document, index: int) -> ImageData:
    texture = document.tree["textures"][index]
    webp = texture.get("extensions", {}).get("EXT_texture_webp", {})
    source = webp.get("source", texture.get("source"))
    if source is None:
        known = ", ".join(texture.get("extensions", {})) or "no image"
        raise AssetError(
            f"{document.path} must have textures as PNG, JPEG or WebP, got one with {known} alone. Export it again so."
        )
    image = document.tree["images"][source]
    name = f"{document.path}, image {image.get('name', source)}"
    if "uri" in image:
        return ImageData(_uri_bytes(document.path, image["uri"]), name)
    view = document.tree["bufferViews"][image["bufferView"]]
    start = view.get("byteOffset", 0)
    return ImageData(document.buffers[view["buffer"]][start : start + view["byteLength"]], name)


def _broken(path: Path, found: str) -> AssetError:
    return AssetError(f"{path} must be a valid glTF 2.0 file, got {found}. Export it again or leave it out.")
