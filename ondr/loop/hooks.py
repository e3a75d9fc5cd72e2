"""The user's hooks on scenes, with named uniforms that are recorded and can be overridden like all draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float32
from torch import Tensor

from ondr import rng
from ondr.errors import ConfigError
from ondr.runtime.device import upload
from ondr.sampling.overrides import expand
from ondr.scene import Scene

Override = int | float | Tensor


class Uniforms:
    """The random numbers of hooks: `uniform(name, slots=1)` is float32 `[B, slots]`, strictly inside (0, 1).

    Like those of all draws, an image's numbers depend on the seed, its id and the name alone.
    """

    def __init__(self, scene: Scene, overrides: Mapping[str, Override]) -> None:
        """Prepares the numbers for one batch.

        Args:
            scene: The scene before any hook has changed it.
            overrides: Values in place of the hooks' uniforms, by name: a number, `[B]` or `[B, slots]`.
        """
        self.used: dict[str, Tensor] = {}
        self._scene, self._overrides = scene, overrides

    def __call__(self, name: str, slots: int = 1) -> Float32[Tensor, "batch slots"]:
        """Returns the uniforms of a name, on the scene's device.

        Args:
            name: A name that no other draw has, such as `rain.density`.
            slots: Number of uniforms per image.

        Raises:
            ConfigError: The name is taken, or an override does not fit.
        """
        if name in self._scene.draws or name in self.used:
            raise ConfigError(
                f"uniform's name must be one that nothing else draws, got {name!r}. Put a word of your own before it, "
                f"such as 'hook.{name}'."
            )
        scene, shape = self._scene, (len(self._scene.sample_ids), slots)
        if name in self._overrides:
            value = expand(name, self._overrides[name], shape).to(torch.float32)
        else:
            keys = torch.full((slots,), rng.name_key(name), dtype=torch.int64)
            value = rng.uniform(rng.words(scene.seed, scene.sample_ids, keys, torch.arange(slots))[..., 0])
        device = scene.poses.mesh.device
        self.used[name] = upload(value, device) if value.device.type == "cpu" else value.to(device)
        return self.used[name]


Hook = Callable[[Scene, Uniforms], Scene]


def check_hooks(hooks: Sequence[Hook]) -> tuple[Hook, ...]:
    """Returns the user's hooks.

    Raises:
        ConfigError: They are not a list of callables.
    """
    if not isinstance(hooks, Sequence) or not all(callable(hook) for hook in hooks):
        raise ConfigError(f"hooks must be a list of callables, got {hooks!r}. Write hooks=[f].")
    return tuple(hooks)


def run_hooks(hooks: Sequence[Hook], scene: Scene, overrides: Mapping[str, Override]) -> Scene:
    """Returns the scene after all hooks, with their uniforms among its draws.

    Args:
        hooks: Functions `f(scene, uniform) -> scene`, run in this order.
        scene: From the sampler.
        overrides: Values in place of the hooks' uniforms.

    Raises:
        ConfigError: A hook does not return a Scene, or uses a name that is taken.
    """
    uniform = Uniforms(scene, overrides)
    for hook in hooks:
        changed = hook(scene, uniform)
        if not isinstance(changed, Scene):
            raise ConfigError(
                f"hooks must return a Scene, got {type(changed).__name__} from {getattr(hook, '__name__', hook)}. "
                "Return dataclasses.replace(scene, ...)."
            )
        scene = changed
    return replace(scene, draws=scene.draws.extended(uniform.used)) if uniform.used else scene
