"""numba kernel that simplifies a mesh by edge collapses, the cheapest first.

A half-edge collapse moves a point onto a neighbour, so that simplified triangles use existing vertices with their
normals, texture coordinates and colours. Points on a feature edge (a seam, a crease, a border) move along that edge
only, together with all vertices at the point. The error measure is left to `quadrics_numba`.
"""

from __future__ import annotations

import heapq
import typing
from typing import NamedTuple

import numpy as np
from numba import njit

from .quadrics_numba import COMMON as COMMON
from .quadrics_numba import PLANES as PLANES
from .quadrics_numba import add_fields, add_plane, cross, dot, field_error, plane_error

# Most triangles around a point; a point with more is not moved.
MOST = 64
# Least cosine between a triangle's normals before and after a collapse: far from flipped.
LEAST_COSINE = 0.25
# Weight of the shape of feature edges relative to that of the surface, within which they could otherwise move freely.
EDGE_WEIGHT = 1.0


class Work(NamedTuple):
    """A mesh while it is simplified. A point is a position; a vertex is a point with its attributes."""

    triangles: np.ndarray
    """int32 [triangle, 3]: vertices."""
    materials: np.ndarray
    """int32 [triangle]."""
    alive: np.ndarray
    """bool [triangle]: all true."""
    point: np.ndarray
    """int32 [vertex]."""
    position: np.ndarray
    """float64 [point, 3]."""
    attributes: np.ndarray
    """float64 [vertex, attribute], as lengths."""
    first: np.ndarray
    """int32 [point]: a corner (3 x triangle + 0, 1 or 2) at the point; -1 for none."""
    following: np.ndarray
    """int32 [corner]: the next corner of the same point; -1 at the end."""
    planes: np.ndarray
    """float64 [point, PLANES]: quadrics of planes, initially 0."""
    fields: np.ndarray
    """float64 [vertex, COMMON + 4 x attribute]: quadrics of attributes, initially 0."""


class Ring(NamedTuple):
    """The one-ring of a point."""

    corners: np.ndarray
    """int64 [corner]: the corners at the point."""
    points: np.ndarray
    """int64 [neighbour]."""
    shared: np.ndarray
    """int64 [neighbour]: number of triangles on the edge to it."""
    changes: np.ndarray
    """bool [neighbour]: whether that edge is a feature edge."""


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def simplify(work, counts, triangles, alive, errors):
    """Simplifies a mesh and records levels on the way.

    Args:
        work: The mesh, which is modified.
        counts: int64 [level]: largest number of triangles of each level, descending.
        triangles: int32 [level, triangle, 3]; receives the corners.
        alive: bool [level, triangle]; receives which triangles are left.
        errors: float64 [level]; receives the root of the greatest mean square error so far, a length.

    Returns:
        The number of levels reached.
    """
    _link(work)
    _measure(work)
    version = np.zeros(len(work.first), np.int64)
    heap = [(0.0, 0, 0)]
    heap.pop()
    for a in range(len(work.first)):
        _enqueue(work, heap, version, a)
    left, worst, level = len(work.triangles), 0.0, 0
    while len(heap) > 0 and level < len(counts):
        cost, a, stamp = heapq.heappop(heap)
        if stamp != version[a]:
            continue
        # Triangles farther away may have changed since.
        ring = _ring(work, a)
        now, b = _best(work, ring, a)
        if now > cost:
            _enqueue(work, heap, version, a)
            continue
        worst = max(worst, now)
        left -= _collapse(work, ring, a, b)
        version[a] += 1
        _enqueue(work, heap, version, b)
        for p in _ring(work, b).points:
            _enqueue(work, heap, version, p)
        while level < len(counts) and left <= counts[level]:
            triangles[level], alive[level], errors[level] = work.triangles, work.alive, np.sqrt(worst)
            level += 1
    return level


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _link(work):
    """Lists the corners of each point."""
    work.first[:] = -1
    for corner in range(work.triangles.size):
        p = work.point[_vertex(work, corner)]
        work.following[corner] = work.first[p]
        work.first[p] = corner


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _measure(work):
    """Fills in the quadrics."""
    for corner in range(work.triangles.size):
        v, w, x = _vertex(work, corner), _vertex(work, _turn(corner, 1)), _vertex(work, _turn(corner, 2))
        p = work.point[v]
        a, b = _side(work, p, work.point[w]), _side(work, p, work.point[x])
        normal = cross(a, b)
        area = np.sqrt(dot(normal, normal)) / 2
        add_plane(work.planes[p], normal, work.position[p], area)
        work.planes[p, -1] += area
        s, t, u = work.attributes[v], work.attributes[w], work.attributes[x]
        add_fields(work.fields[v], area, work.position[p], a, b, s, t, u)
    for p in range(len(work.first)):
        _hold_edges(work, p)


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _hold_edges(work, p):
    """Adds planes through the feature edges at a point, perpendicular to the triangles there."""
    ring = _ring(work, p)
    for corner in ring.corners:
        for step in (1, 2):
            q = work.point[_vertex(work, _turn(corner, step))]
            if ring.changes[_find(ring.points, q)]:
                edge = _side(work, p, q)
                normal = cross(edge, _side(work, p, work.point[_vertex(work, _turn(corner, 3 - step))]))
                add_plane(work.planes[p], cross(normal, edge), work.position[p], EDGE_WEIGHT * dot(edge, edge))


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _side(work, p, q):
    """Returns the vector from one point to another."""
    here, there = work.position[p], work.position[q]
    return there[0] - here[0], there[1] - here[1], there[2] - here[2]


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _vertex(work, corner):
    return work.triangles[corner // 3, corner % 3]


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _turn(corner, steps):
    """Returns the corner some steps further in the same triangle."""
    return corner - corner % 3 + (corner % 3 + steps) % 3


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _find(values, value):
    """Returns the index of a value; -1 if it is missing."""
    for i in range(len(values)):
        if values[i] == value:
            return i
    return -1


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _ring(work, a):
    """Returns the ring of a point, empty if it has too many triangles; unlinks triangles that are gone."""
    corners, count, before, corner = np.empty(MOST, np.int64), 0, -1, work.first[a]
    while corner >= 0:
        after = work.following[corner]
        if work.alive[corner // 3]:
            if count < MOST:
                corners[count] = corner
            count, before = count + 1, corner
        elif before < 0:
            work.first[a] = after
        else:
            work.following[before] = after
        corner = after
    corners = corners[: count if count <= MOST else 0]
    points, shared, changes = np.empty(2 * MOST, np.int64), np.zeros(2 * MOST, np.int64), np.ones(2 * MOST, np.bool_)
    witness, found = np.empty(2 * MOST, np.int64), 0
    for corner in corners:
        for step in (1, 2):
            other = _turn(corner, step)
            p = work.point[_vertex(work, other)]
            i = _find(points[:found], p)
            if i < 0:
                i, found = found, found + 1
                points[i], witness[i] = p, 3 * corner + step
            shared[i] += 1
            if shared[i] == 2:
                seen = witness[i] // 3
                same = work.materials[seen // 3] == work.materials[corner // 3]
                same &= _vertex(work, seen) == _vertex(work, corner)
                same &= _vertex(work, _turn(seen, witness[i] % 3)) == _vertex(work, other)
                changes[i] = not same
            else:
                changes[i] = True
    return Ring(corners, points[:found], shared[:found], changes[:found])


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _enqueue(work, heap, version, a):
    """Enqueues a point's cheapest collapse, which invalidates its earlier entries."""
    version[a] += 1
    cost, _ = _best(work, _ring(work, a), a)
    if cost < np.inf:
        heapq.heappush(heap, (cost, a, version[a]))


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _best(work, ring, a):
    """Returns the cost and the target of a point's cheapest collapse; infinite if there is none."""
    changing = 0
    for i in range(len(ring.points)):
        changing += ring.changes[i]
    costs = np.full(len(ring.points), np.inf)
    for i in range(len(ring.points)):
        if ring.shared[i] <= 2 and (changing == 0 or (changing == 2 and ring.changes[i])):
            costs[i] = _cost(work, ring, a, ring.points[i])
    for _ in range(len(costs)):
        i = _least(costs)
        if costs[i] == np.inf:
            break
        if _is_legal(work, ring, i, a):
            return costs[i], ring.points[i]
        costs[i] = np.inf
    return np.inf, -1


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _least(values):
    """Returns the index of the least value."""
    least = 0
    for i in range(1, len(values)):
        if values[i] < values[least]:
            least = i
    return least


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _target(work, ring, vertex, b):
    """Returns the vertex at b that a vertex at the ring's point would become; -1 if there is none, or several."""
    target = -1
    for corner in ring.corners:
        if _vertex(work, corner) != vertex:
            continue
        for step in (1, 2):
            other = _vertex(work, _turn(corner, step))
            if work.point[other] == b:
                if target >= 0 and other != target:
                    return -1
                target = other
    return target


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _cost(work, ring, a, b):
    """Returns the mean square error of moving a point; infinite if one of its vertices has no target."""
    error = max(plane_error(work.planes[a], work.position[b]), 0.0)
    for i in range(len(ring.corners)):
        vertex = _vertex(work, ring.corners[i])
        is_new = True
        for corner in ring.corners[:i]:
            is_new &= _vertex(work, corner) != vertex
        if is_new:
            target = _target(work, ring, vertex, b)
            if target < 0:
                return np.inf
            error += max(field_error(work.fields[vertex], work.position[b], work.attributes[target]), 0.0)
    area = work.planes[a, -1]
    return error / area if area > 0 else error


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _is_legal(work, ring, i, a):
    """Returns whether a collapse keeps the surface's topology and flips no triangle."""
    b = ring.points[i]
    common = 0
    for p in _ring(work, b).points:
        common += _find(ring.points, p) >= 0
    if common != ring.shared[i]:
        return False
    for corner in ring.corners:
        q = work.point[_vertex(work, _turn(corner, 1))]
        r = work.point[_vertex(work, _turn(corner, 2))]
        if q != b and r != b:
            before = cross(_side(work, a, q), _side(work, a, r))
            after = cross(_side(work, b, q), _side(work, b, r))
            if dot(before, after) <= LEAST_COSINE * np.sqrt(dot(before, before) * dot(after, after)):
                return False
    return True


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def _collapse(work, ring, a, b):
    """Moves a point onto another; returns the number of triangles that this removes."""
    targets = np.empty(len(ring.corners), np.int64)
    for i in range(len(targets)):
        targets[i] = _target(work, ring, _vertex(work, ring.corners[i]), b)
    gone = 0
    for i in range(len(targets)):
        corner, vertex = ring.corners[i], _vertex(work, ring.corners[i])
        # A vertex's quadric is passed on once, by the first of its corners.
        if work.fields[vertex, COMMON - 1] > 0:
            for j in range(work.fields.shape[1]):
                work.fields[targets[i], j] += work.fields[vertex, j]
                work.fields[vertex, j] = 0.0
        if (work.point[_vertex(work, _turn(corner, 1))] == b) | (work.point[_vertex(work, _turn(corner, 2))] == b):
            work.alive[corner // 3] = False
            gone += 1
        else:
            work.triangles[corner // 3, corner % 3] = targets[i]
    for j in range(work.planes.shape[1]):
        work.planes[b, j] += work.planes[a, j]
    # Link the remaining corners to the target point.
    for i in range(len(targets)):
        if work.alive[ring.corners[i] // 3]:
            work.following[ring.corners[i]] = work.first[b]
            work.first[b] = ring.corners[i]
    work.first[a] = -1
    return gone
