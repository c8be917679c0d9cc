"""Embeddings of labels that several layers share."""

from __future__ import annotations

from torch import nn


class SharedEmbedding(nn.Linear):
    """A vector per class, which all norms of a generator are given beside their piece of the noise.

    Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096), appendix
    B. Spectral norm and other weight parts leave it alone, as in the paper's code. A bias-free linear map of a label
    vector ``(B, y_dim)``, the same as a look-up for one-hot labels.

    Args:
        y_dim: length of the label vector.
        width: of the embedding.
    """

    ganzoo_weight = "own"

    def __init__(self, y_dim: int, width: int = 128) -> None:
        super().__init__(y_dim, width, bias=False)
