"""The manifest of a set: enough to make it again, and to tell whether a folder holds the beginning of the same set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ondr.assets.bank import Assets, Bank
from ondr.config import Config
from ondr.doctor import version
from ondr.leaves import leaves_of

LIBRARIES = ("ondr", "torch", "numba", "numpy", "scipy", "trimesh", "kornia", "pillow")
"""Libraries that the bits of an image or a file depend on."""
MOST_DIFFERENCES = 3
"""Most differences that an error names."""
NOTHING = "nothing"


def describe(cfg: Config, assets: Assets, device: torch.device, **choices: Any) -> dict[str, Any]:
    """Returns the manifest of a set: plain numbers, strings, lists and dicts.

    Args:
        cfg: The config, with the format's outputs.
        assets: The assets on the CPU.
        device: The device that renders.
        choices: Further choices that the files depend on.
    """
    about = {
        "made_by": "ondr export",
        **choices,
        "seed": cfg.seed,
        "device": device.type,
        "versions": {name: version(name) for name in LIBRARIES},
        "assets": {"packed": _digest_of_bank(assets.bank), "meshes": dict(_digests(assets))},
        "config": cfg.to_dict(),
    }
    # In the form in which it will be read: tuples become lists, and so on.
    plain: dict[str, Any] = json.loads(json.dumps(about))
    return plain


def differences(there: dict[str, Any], asked: dict[str, Any]) -> str:
    """Describes how two manifests differ; an empty string if they do not."""
    flat_there, flat_asked = dict(_flat(there)), dict(_flat(asked))
    found = [
        f"{name} {flat_there.get(name, NOTHING)} there, {flat_asked.get(name, NOTHING)} now"
        for name in flat_there | flat_asked
        if flat_there.get(name) != flat_asked.get(name)
    ]
    more = [f"and {len(found) - MOST_DIFFERENCES} more"] if len(found) > MOST_DIFFERENCES else []
    return "; ".join(found[:MOST_DIFFERENCES] + more)


def _flat(manifest: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields values by dotted names; settings have their own names."""
    for name, value in manifest.items():
        if isinstance(value, dict):
            yield from _flat(value, "" if name == "config" else f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _digest_of_bank(bank: Bank) -> str:
    """Returns a digest of all packed meshes, materials and textures."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in leaves_of(bank):
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def _digests(assets: Assets) -> Iterator[tuple[str, str]]:
    """Yields name and digest of each mesh file; composed meshes have no files."""
    for name, path in zip(assets.mesh_files, map(Path, assets.mesh_paths), strict=True):
        if path.is_file():
            yield name, hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
