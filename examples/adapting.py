"""Photos without labels are of use as well: the normalisation of a network is adapted to how they look."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SHARE = 0.5
"""Of the photos in the statistics; rendered images keep the rest, since photos are few."""


@torch.no_grad()
def adapt(model: nn.Module, photos: Iterable[Tensor], share: float = SHARE) -> None:
    """Moves the means and variances of a network's batch normalisations towards those on photos. No weight changes.

    Sources: Li et al. 2016, "Revisiting batch normalization for practical domain adaptation"; Schneider et al. 2020,
    "Improving robustness against common corruptions by covariate shift adaptation" (the mixture).

    Args:
        model: Trained on rendered images. It is left in the mode for looking at images.
        photos: Batches `[n, 3, h, w]` of about as many images each, of any shapes. One pass is made.
        share: Of the photos, 0..1.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    rendered = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
    momenta = [norm.momentum for norm in norms]
    device = next(model.parameters()).device
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        # The mean of all batches, instead of one that forgets.
        norm.momentum = None
        norm.train()
    for images in photos:
        model(images.to(device))
    for norm, momentum, before in zip(norms, momenta, rendered, strict=True):
        norm.eval()
        norm.momentum = momentum
        for now, then in zip((norm.running_mean, norm.running_var), before, strict=True):
            now.lerp_(then, 1 - share)
