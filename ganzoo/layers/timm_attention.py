"""Attention layers of timm, each built for a number of channels. timm is imported only when one is built."""

from __future__ import annotations

from typing import Literal

from torch import nn

from ganzoo.errors import UsageError, within


def squeeze_excite(channels: int, *, ratio: float = 1 / 16) -> nn.Module:
    """Scale each map by a gate that a small network computes from the means of all maps.

    ``x·sigmoid(W₂ relu(W₁ m))``, with m the mean of each map over its pixels.

    Squeeze-and-Excitation Networks (Hu et al. 2018, arXiv 1709.01507), from ``timm.layers``.

    Args:
        channels: maps of the input, and of the output.
        ratio: width of the gate's hidden layer, as a part of ``channels``.
    """
    within("se:ratio", ratio, 0, 1)
    from timm.layers import SEModule

    return SEModule(channels, rd_ratio=ratio)


def cbam(channels: int, *, ratio: float = 1 / 16, kernel: int = 7) -> nn.Module:
    """Scale each map by a gate, then each pixel by another.

    ``x' = x·sigmoid(f(mean x) + f(max x))`` over pixels, then ``x'·sigmoid(conv[mean x', max x'])`` over maps.

    CBAM: Convolutional Block Attention Module (Woo et al. 2018, arXiv 1807.06521), from ``timm.layers``.

    Args:
        channels: maps of the input, and of the output.
        ratio: width of the first gate's hidden layer, as a part of ``channels``.
        kernel: size of the second gate's convolution; odd.
    """
    within("cbam:ratio", ratio, 0, 1)
    if kernel < 1 or kernel % 2 == 0:
        raise UsageError(f"cbam:kernel={kernel} does not work: it is an odd number, such as 3 or 7")
    from timm.layers.cbam import CbamModule

    return CbamModule(channels, rd_ratio=ratio, spatial_kernel_size=kernel)


def eca(channels: int) -> nn.Module:
    """Scale each map by a gate that a short one-dimensional convolution computes from the means of its neighbours.

    ``x·sigmoid(k * m)``, with m the mean of each map over its pixels and k a filter along the maps.

    ECA-Net: Efficient Channel Attention (Wang et al. 2020, arXiv 1910.03151), from ``timm.layers``, with the kernel
    size that the paper derives from ``channels``.

    Args:
        channels: maps of the input, and of the output.
    """
    from timm.layers import EcaModule

    return EcaModule(channels)


def non_local(channels: int, *, ratio: float = 1 / 8) -> nn.Module:
    """Every pixel adds a mixture of values from all over the map: attention with scaled scores and a norm.

    ``x + norm(W Σ_j softmax_j(q_i·k_j/√d) v_j)`` at pixel i, with d channels of queries and keys.

    Non-local Neural Networks (Wang et al. 2018, arXiv 1711.07971), from ``timm.layers``. The norm at its end starts at
    scale 0, so that the layer starts as the identity.

    Args:
        channels: maps of the input, and of the output.
        ratio: channels of queries, keys and values, as a part of ``channels``.
    """
    within("nl:ratio", ratio, 0, 1)
    from timm.layers import NonLocalAttn

    return NonLocalAttn(channels, rd_ratio=ratio)


def global_context(channels: int, *, ratio: float = 1 / 8, fuse: Literal["add", "scale"] = "add") -> nn.Module:
    """Every pixel adds one vector, a bottleneck's of the pixels' sum, weighed by a softmax that all of them share.

    ``x + f(Σ_j softmax_j(w·x_j) x_j)``, with f a bottleneck of two layers.

    GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond (Cao et al. 2019, arXiv 1904.11492), from
    ``timm.layers``. Where the vector is added, the paper's last layer starts at 0; ours does not, since a weight part
    such as ``sn`` divides by a norm.

    Args:
        channels: maps of the input, and of the output.
        ratio: width of the bottleneck, as a part of ``channels``.
        fuse: ``"add"``, as the paper, or ``"scale"``: the vector's sigmoid gates the maps.
    """
    within("gc:ratio", ratio, 0, 1)
    from timm.layers import GlobalContext

    added, hidden = fuse == "add", max(2, round(channels * ratio))  # a layer norm of one number would be a constant
    layer = GlobalContext(channels, fuse_add=added, fuse_scale=not added, rd_channels=hidden)
    if added:
        layer.mlp_add.fc2.reset_parameters()
    return layer
