"""Layers: normalizations, weight reparametrisations, attention, conditioning, resampling, residual blocks.

What networks of any architecture are made of. Norms are built as ``norm(channels, c_dim)`` and called ``norm(x, c)``
with a context ``c`` ``(B, c_dim)``, the label vector where nothing makes another one; an architecture takes those that
a recipe chose from its ``Kit``, and uses the ones here only where its paper has no choice.
"""

from ganzoo.gan.kit import Unchanged
from ganzoo.layers.activation import relu_after, scaled_leaky_relu
from ganzoo.layers.adain import AdaIN, StyleNorm
from ganzoo.layers.alias_free import AliasFreeLeakyReLU, Band, Magnitude, low_pass
from ganzoo.layers.attention import LinearAttention, SelfAttention
from ganzoo.layers.axial import AxialAttention
from ganzoo.layers.batch_norm import (
    BatchNorm,
    ConditionalBatchNorm,
    ContextBatchNorm,
    conditional_batch_norm,
    context_batch_norm,
)
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.dropout import Dropout
from ganzoo.layers.equalized import EqualizedConv2d, EqualizedLinear, EqualizedMLP, UnitMeanSquare, equalize_scores
from ganzoo.layers.excitation import GlobalContextExcitation, SkipLayerExcitation, Unexcited
from ganzoo.layers.filters import Filtered, FilteredDown, FilteredUp, upfirdn2d
from ganzoo.layers.fourier import FourierInput, moved
from ganzoo.layers.mapping import MappingNetwork
from ganzoo.layers.minibatch_std import MinibatchStd
from ganzoo.layers.modulated import DemodulatedConv2d, DemodulatedUpConv2d, ModulatedConv2d, demodulation
from ganzoo.layers.multi_head import L2Attention, MultiHeadAttention, RelativeAttention, RelativePosition
from ganzoo.layers.noise import NoiseInput
from ganzoo.layers.norm import GroupNorm, InstanceNorm, LayerNorm, PixelNorm
from ganzoo.layers.resample import BilinearUpConv2d, DownConv2d, NearestUpConv2d, ShuffledUp, TransposedConv2d
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock
from ganzoo.layers.self_modulation import SelfModulatedLayerNorm
from ganzoo.layers.sizes import doublings, rectangle
from ganzoo.layers.transformer import ClassToken, Positions, Transformer, TransformerBlock, Windowed
from ganzoo.layers.weight import (
    equalized_lr,
    improved_spectral_norm,
    magnitude_preserving,
    spectral_norm,
    weight_norm,
)
from ganzoo.layers.window import WindowAttention
from ganzoo.parts.conditioning import LinearHead

__all__ = [
    "AdaIN",
    "AliasFreeLeakyReLU",
    "AxialAttention",
    "Band",
    "BatchNorm",
    "BilinearUpConv2d",
    "ClassToken",
    "ConditionalBatchNorm",
    "ContextBatchNorm",
    "Conv2d",
    "DBlock",
    "DemodulatedConv2d",
    "DemodulatedUpConv2d",
    "DownConv2d",
    "Dropout",
    "EqualizedConv2d",
    "EqualizedLinear",
    "EqualizedMLP",
    "Filtered",
    "FilteredDown",
    "FilteredUp",
    "FirstDBlock",
    "FourierInput",
    "GBlock",
    "GlobalContextExcitation",
    "GroupNorm",
    "InstanceNorm",
    "L2Attention",
    "LayerNorm",
    "LinearAttention",
    "LinearHead",
    "Magnitude",
    "MappingNetwork",
    "MinibatchStd",
    "ModulatedConv2d",
    "MultiHeadAttention",
    "NearestUpConv2d",
    "NoiseInput",
    "PixelNorm",
    "Positions",
    "RelativeAttention",
    "RelativePosition",
    "SelfAttention",
    "SelfModulatedLayerNorm",
    "ShuffledUp",
    "SkipLayerExcitation",
    "StyleNorm",
    "Transformer",
    "TransformerBlock",
    "TransposedConv2d",
    "Unchanged",
    "Unexcited",
    "UnitMeanSquare",
    "WindowAttention",
    "Windowed",
    "conditional_batch_norm",
    "context_batch_norm",
    "demodulation",
    "doublings",
    "equalize_scores",
    "equalized_lr",
    "improved_spectral_norm",
    "low_pass",
    "magnitude_preserving",
    "moved",
    "rectangle",
    "relu_after",
    "scaled_leaky_relu",
    "spectral_norm",
    "upfirdn2d",
    "weight_norm",
]
