"""Binary PLY files whose faces differ in their number of corners, as modelling programs write them.

trimesh reads lists of one length only, so it is given triangles in their place. The header is read by `ply`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int

from ondr.assets.polygons import dented, ears

INDICES = ("vertex_indices", "vertex_index")
Types = Mapping[str, tuple[str, ...]]
"""numpy's types of an element's properties: one of a number, two of a list, the first of them of its length."""
LENGTH = "length of the list"
"""A field beside those named by a file, whose names have no spaces."""


def with_triangles(data: bytes, size: int, counts: Mapping[str, int], types: Mapping[str, Types]) -> bytes:
    """Returns the file with triangles for faces of several sizes; one without them, or with other lists, as it is.

    Args:
        data: The file.
        size: Bytes of its header.
        counts: How many there are of each element, in the file's order.
        types: Of each element.
    """
    others = list(counts)[: list(counts).index("face")] if "face" in counts else []
    lists = [name for element in (*others, "face") for name, t in types.get(element, {}).items() if len(t) > 1]
    placed = "vertex" in others and {"x", "y", "z"} <= set(types["vertex"])
    if not placed or len(lists) != 1 or lists[0] not in INDICES:
        return data
    start = size + sum(counts[name] * _row(types[name]).itemsize for name in others)
    starts, corners = _faces(data, start, counts["face"], types["face"])
    end = starts[-1]
    if len(set(corners)) < 2 or end > len(data):
        return data
    before = sum(counts[name] * _row(types[name]).itemsize for name in others[: others.index("vertex")])
    vertices = np.frombuffer(data, _row(types["vertex"]), counts["vertex"], size + before)
    positions = np.stack([vertices[axis].astype(np.float64) for axis in "xyz"], axis=-1)
    rows = _triangles(data, np.array(starts[:-1]), np.array(corners), types["face"], positions)
    header = re.sub(rb"(element\s+face\s+)\d+", rb"\g<1>%d" % len(rows), data[:size])
    return b"".join([header, data[size:start], rows.tobytes(), data[end:]])


def _row(types: Types, corners: int = 0) -> np.dtype:
    """Returns the layout of a row whose list, if it has one, is of that length."""
    fields: list[tuple] = []
    for name, (first, *item) in types.items():
        fields += [(LENGTH, first), (name, item[0], (corners,))] if item else [(name, first)]
    return np.dtype(fields)


def _faces(data: bytes, start: int, count: int, types: Types) -> tuple[list[int], list[int]]:
    """Returns where each face begins, then where the last one ends, and the number of corners of each."""
    row, kind = _row(types), _row(types)[LENGTH]
    step = _row(types, 1).itemsize - row.itemsize
    offset = row.fields[LENGTH][1]  # type: ignore[index]
    order: Literal["big", "little"] = "big" if kind.str[0] == ">" else "little"
    starts, corners = [start], []
    for _ in range(count):
        at = starts[-1] + offset
        corners.append(int.from_bytes(data[at : at + kind.itemsize], order))
        starts.append(starts[-1] + row.itemsize + step * corners[-1])
    return starts, corners


def _triangles(
    data: bytes,
    starts: Int[np.ndarray, "face"],
    corners: Int[np.ndarray, "face"],
    types: Types,
    positions: Float64[np.ndarray, "vertex 3"],
) -> np.ndarray:
    """Returns the rows of all triangles, those of a face after each other and with all else that is said of it."""
    (indices,) = (name for name in INDICES if name in types)
    numbers = np.maximum(corners - 2, 0)
    first = np.cumsum(numbers) - numbers
    rows = np.zeros(numbers.sum(), _row(types, 3))
    rows[LENGTH] = 3
    buffer = np.frombuffer(data, np.uint8)
    for size in (n for n in np.unique(corners).tolist() if n > 2):
        mine, layout = np.flatnonzero(corners == size), _row(types, size)
        faces = buffer[starts[mine, None] + np.arange(layout.itemsize)].view(layout)[:, 0]
        fan = np.stack([np.zeros(size - 2, int), np.arange(1, size - 1), np.arange(2, size)], axis=-1)
        cut = np.repeat(fan[None], len(mine), axis=0)
        # An index out of range is found where the triangles are checked.
        outlines = positions[np.clip(faces[indices].astype(np.int64), 0, len(positions) - 1)]
        for i in np.flatnonzero(dented(outlines)):
            cut[i] = ears(outlines[i])
        places = first[mine, None] + np.arange(size - 2)
        for name in types:
            values = faces[name][:, None] if name != indices else faces[name][np.arange(len(mine))[:, None, None], cut]
            rows[name][places] = values
    return rows
