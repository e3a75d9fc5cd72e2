"""The sampler: prepares everything once, then draws batches of scenes."""

from __future__ import annotations

from dataclasses import fields

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.draws import Draws
from ondr.parameters import Parameters
from ondr.runtime.device import upload
from ondr.runtime.isolation import isolated
from ondr.sampling.active import Active
from ondr.sampling.augmentation import image_map, mapped, seen_through
from ondr.sampling.background import sample_background
from ondr.sampling.effects import sample_effects
from ondr.sampling.label_noise import sample_box_jitter
from ondr.sampling.lights import sample_lights
from ondr.sampling.materials import sample_materials
from ondr.sampling.motion import sample_motion
from ondr.sampling.objects import Sizes, derived_names, sample_poses
from ondr.sampling.options import choices, resolve
from ondr.sampling.overrides import Given, Overrides, apply, check_domains, check_names, numbered
from ondr.sampling.plan import Plan
from ondr.sampling.structure import Drawn, MeshTable, draw_structure, gated_rows, largest_values, structure
from ondr.scene import DepthNoise, Scene


class Sampler:
    """Draws the scenes of one config with one set of assets, on the assets' device."""

    def __init__(self, cfg: Config, assets: Assets) -> None:
        """Lays out the draws.

        Raises:
            ConfigError: A law names something that the assets lack.
        """
        self.cfg, self.assets = cfg, assets
        self.device = assets.bank.device
        options = resolve(cfg, assets)
        self.plan, self._choices = Plan(cfg, options), choices(cfg, assets, options)
        self._meshes = MeshTable(assets, cfg)
        self._sizes = Sizes(cfg, assets)
        self.derived = derived_names(cfg)
        self._aspects = torch.tensor(assets.photo_aspects or (1.0,), dtype=torch.float32, device=self.device)

    def sample(
        self,
        sample_ids: Int64[Tensor, "batch"],
        parameters: Parameters,
        *,
        seed: int | None = None,
        overrides: Given | None = None,
    ) -> Scene:
        """Draws the scenes of some sample ids.

        Args:
            sample_ids: Ids from 0, on the CPU.
            parameters: The laws' current parameters.
            seed: Replaces the config's seed.
            overrides: Values in place of draws, by name: a number, `[B]` or `[B, slot]`.

        Raises:
            ConfigError: An override is not possible.
        """
        overrides = overrides or {}
        check_names(overrides, self.plan.draws, self.derived)
        numbers = numbered(overrides, self._choices)
        check_domains(numbers, self.cfg.quantities())
        with isolated(self.device):
            return self._draw(sample_ids, parameters, self.cfg.seed if seed is None else seed, numbers)

    def _draw(
        self, sample_ids: Int64[Tensor, "batch"], parameters: Parameters, seed: int, overrides: Overrides
    ) -> Scene:
        cfg = self.cfg
        host_words = self.plan.words(seed, sample_ids)
        drawn = draw_structure(self.plan, host_words, parameters, overrides, self._meshes)
        rows = gated_rows(self.plan, host_words, parameters, overrides)
        fixed = structure(drawn, self._meshes, rows, largest_values(self.plan, parameters, overrides))
        on_host = self.device.type == "cpu"
        words = host_words if on_host else self.plan.words(seed, upload(sample_ids, self.device))
        draws = self.plan.evaluate(words, parameters, drawn if on_host else _uploaded(drawn, self.device))
        draws = apply(draws, {name: value for name, value in overrides.items() if name not in drawn})
        active = Active(cfg, parameters, overrides)
        mesh = upload(fixed.mesh, self.device)
        poses, camera, size, draws = sample_poses(draws, mesh, cfg, self.assets, self._sizes, active)
        image = image_map(draws, active, cfg.image_size)
        photo_size = cfg.background.photo_size
        background = sample_background(draws, self.assets, self._aspects, photo_size, cfg.image_size, active)
        moves = "optical_flow" in cfg.outputs
        return Scene(
            sample_ids=sample_ids,
            seed=seed,
            num_objects=cfg.num_objects,
            poses=poses,
            materials=sample_materials(draws, self.assets, cfg.groups, active, poses),
            lights=sample_lights(draws, poses, size, self.assets, cfg.groups, active),
            camera=mapped(camera, image),
            background=seen_through(background, image),
            effects=sample_effects(draws, active),
            structure=fixed,
            draws=draws,
            box_jitter=sample_box_jitter(draws, active),
            depth_noise=_depth_noise(draws) if "sensor_depth" in cfg.outputs else None,
            motion=sample_motion(draws, poses, camera, self.assets.bank.extent, cfg.num_objects) if moves else None,
        )


def _depth_noise(draws: Draws) -> DepthNoise:
    return DepthNoise(*(draws[f"depth_sensor.{field.name}"] for field in fields(DepthNoise)))


def _uploaded(drawn: Drawn, device: torch.device) -> Drawn:
    """Copies the draws made on the host to the device in one block."""
    batch = len(next(iter(drawn.values())))
    block = upload(torch.cat([value.reshape(batch, -1) for value in drawn.values()], dim=1), device)
    parts = block.split([value[:1].numel() for value in drawn.values()], dim=1)
    return {name: part.reshape(value.shape) for (name, value), part in zip(drawn.items(), parts, strict=True)}


def sample_scene(
    cfg: Config,
    assets: Assets,
    sample_ids: Int64[Tensor, "batch"],
    *,
    seed: int | None = None,
    parameters: Parameters | None = None,
    overrides: Given | None = None,
) -> Scene:
    """Draws the scenes of some sample ids: a pure function of its arguments.

    Args:
        cfg: The settings: what varies, and by which law.
        assets: The meshes and textures; the scene is made on their device.
        sample_ids: int64 `[B]` from 0, on the CPU; any ids in any order.
        seed: Replaces the config's seed.
        parameters: The laws' parameters; None: those of the config.
        overrides: Values in place of draws, by name: a number, `[B]` or `[B, slot]`.

    Raises:
        ConfigError: A law names something that the assets lack, or an override is not possible.
    """
    return Sampler(cfg, assets).sample(sample_ids, parameters or Parameters(cfg), seed=seed, overrides=overrides)
