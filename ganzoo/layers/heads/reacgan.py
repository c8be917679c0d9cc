"""Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training, Kang et al. 2021, arXiv 2111.01118."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError, within
from ganzoo.layers.heads.spaces import Aux, Contrastive, same_class
from ganzoo.parts import NotNegative


class DataToDataCrossEntropy(Contrastive):
    """Embeddings are drawn to their class's proxy, and away from images of other classes (D2D-CE, Kang et al. 2021).

    With unit embeddings ``f``, proxies ``v``, ``p = min(f·v - m_p, 0)/τ`` and ``n_j = max(f·f_j - m_n, 0)/τ``:
    ``-log e^p / (e^p + Σ_{j of other classes} e^n_j)``, the mean over the batch; ``m_n = 1 - m_p``. Pairs that are
    easy enough give no gradient. Source: arXiv 2111.01118, equation 5; reals in D's updates, fakes in G's.

    Args:
        y_dim: number of classes.
        weight: of the loss.
        margin: ``m_p``: from this similarity to its proxy on, an image is near enough.
        temperature: τ.
        width: of the embeddings.
        aux: ``"none"``, ``"tac"`` or ``"adc"``: what learns from fakes, as in PyTorch-StudioGAN's ReACGAN-TAC and -ADC.
        weight_d: of the loss of ``"tac"`` in D's updates.
        weight_g: of what G subtracts.
    """

    def __init__(
        self,
        y_dim: int,
        *,
        weight: NotNegative = 0.5,
        margin: float = 0.98,
        temperature: float = 0.5,
        width: int = 512,
        aux: Aux = "none",
        weight_d: NotNegative = 0.5,
        weight_g: NotNegative = 0.5,
    ) -> None:
        super().__init__(y_dim, name="d2dce", weight=weight, width=width, aux=aux, weight_d=weight_d, weight_g=weight_g)
        within("d2dce:margin", margin, 0, 1)
        if temperature <= 0:
            raise UsageError(f"d2dce:temperature={temperature:g} does not work: it is more than 0")
        self.margin, self.temperature = margin, temperature

    def contrast(self, embedding: Tensor, proxy: Tensor, y: Tensor) -> Tensor:
        """The mean over a global batch, a scalar."""
        near = ((embedding * proxy).sum(1, keepdim=True) - self.margin).clamp(max=0) / self.temperature
        far = (embedding @ embedding.T - (1 - self.margin)).clamp(min=0) / self.temperature
        strangers = far.masked_fill(same_class(y), -torch.inf)
        return (torch.cat([near, strangers], 1).logsumexp(1) - near.squeeze(1)).mean()
