"""ContraGAN: Contrastive Learning for Conditional Image Generation, Kang & Park 2020, arXiv 2006.12681."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.layers.heads.spaces import Aux, Contrastive, others, same_class
from ganzoo.parts import NotNegative


class ConditionalContrastive(Contrastive):
    """Embeddings are drawn to their class's proxy and to each other within a class (2C, Kang & Park 2020).

    For image i, with ``s`` the inner products of unit vectors over the temperature:
    ``-log (e^s(i, proxy) + Σ_{k≠i, same class} e^s(i,k)) / (e^s(i, proxy) + Σ_{k≠i} e^s(i,k))``. Source: arXiv
    2006.12681, equation 8; reals in D's updates and fakes in G's. A class with many images in a batch is held together
    by these more than by its one proxy, so that G may learn the classes under one another's labels: where there are
    few, take small batches. With ``aux`` as PyTorch-StudioGAN's ContraGAN-TAC and -ADC.

    Args:
        y_dim: number of classes.
        weight: of the loss.
        temperature: that inner products are divided by.
        width: of the embeddings.
        aux: ``"none"``, ``"tac"`` or ``"adc"``: what learns from fakes.
        weight_d: of the loss of ``"tac"`` in D's updates.
        weight_g: of what G subtracts.
    """

    def __init__(
        self,
        y_dim: int,
        *,
        weight: NotNegative = 1.0,
        temperature: float = 1.0,
        width: int = 512,
        aux: Aux = "none",
        weight_d: NotNegative = 1.0,
        weight_g: NotNegative = 1.0,
    ) -> None:
        super().__init__(y_dim, name="2c", weight=weight, width=width, aux=aux, weight_d=weight_d, weight_g=weight_g)
        if temperature <= 0:
            raise UsageError(f"2c:temperature={temperature:g} does not work: it is more than 0")
        self.temperature = temperature

    def contrast(self, embedding: Tensor, proxy: Tensor, y: Tensor) -> Tensor:
        """The mean over a global batch, a scalar."""
        own = (embedding * proxy).sum(1, keepdim=True) / self.temperature
        pairs = embedding @ embedding.T / self.temperature
        rest = others(len(y), y.device)
        alike = pairs.masked_fill(~(rest & same_class(y)), -torch.inf)
        every = pairs.masked_fill(~rest, -torch.inf)
        return (torch.cat([own, every], 1).logsumexp(1) - torch.cat([own, alike], 1).logsumexp(1)).mean()
