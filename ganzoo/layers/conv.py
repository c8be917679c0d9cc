"""Convolutions whose kernel gradients are plain matrix products where the device's own are slow.

A convolution, a transposed convolution and a kernel gradient are three linear maps, and the derivatives of each are
the other two. Written so, every gradient is fast, to any order, as gradient penalties need it. The numbers are those
of ``F.conv2d`` and ``F.conv_transpose2d`` up to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn.grad import conv2d_weight

from ganzoo.layers.layout import traced

PATCHES = 32 << 20  # bytes of patches laid out at once: enough for one fast product, and little beside the maps
CHANNELS = 32  # fewer make products too thin to be fast
THIN = 4  # channels that an image has at most


def products_pay(x: Tensor, kernel: Tensor, side: int) -> bool:
    """Whether kernel gradients by matrix products were measured to be faster there.

    That is on CPUs: in float32 where convolutions have AVX2 and no more (up to 1.7 times as fast), and in bfloat16 for
    4x4 kernels on small maps. Elsewhere, and for a few channels, the device's own are as fast or faster.

    Args:
        x: what is convolved.
        kernel: ``(O, I, k, k)``.
        side: of the smaller of input and output, in pixels.
    """
    if x.device.type != "cpu" or min(kernel.shape[:2]) < CHANNELS or kernel.shape[2] < 3:
        return False
    if traced() or not torch.is_grad_enabled():
        return False
    if x.dtype == torch.float32:
        return torch.backends.cpu.get_cpu_capability() == "AVX2"
    return x.dtype == torch.bfloat16 and kernel.shape[2] == 4 and side <= 8


def thin(x: Tensor, kernel: Tensor, stride: int, padding: int) -> bool:
    """Whether a transposed convolution makes the few maps of an image, in the way that :func:`spread` has for them.

    Args:
        x: either side of the convolution.
        kernel: ``(O, I, k, k)``.
        stride, padding: in pixels.
    """
    if x.device.type != "cpu" or traced():
        return False
    return kernel.shape[1] <= THIN and (kernel.shape[2], stride, padding) == (4, 2, 1)


def kernel_is_asked_for(ctx: Any) -> bool:
    """Whether this backward pass needs the gradient of the kernel, a function's second input.

    ``needs_input_grad`` only says that there is one: a gradient penalty, which asks for the gradient of the image
    alone, would pay for those of all kernels. The engine knows, but not of leaves; hence the views in :func:`conv2d`.
    """
    if not ctx.needs_input_grad[1]:
        return False
    node = ctx.next_functions[1][0]
    # A leaf's node (it has ``variable``) counts as asked for: the engine answers for other nodes only.
    return hasattr(node, "variable") or torch._C._will_engine_execute_node(node)


class _Conv(torch.autograd.Function):
    """``F.conv2d`` of an image ``(B, I, H, W)`` and a kernel ``(O, I, k, k)``, plus a bias."""

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, image: Tensor, kernel: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(image, kernel)
        ctx.geometry = stride, padding
        return F.conv2d(image, kernel, bias, stride, padding)

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,), (image, kernel) = gradients, ctx.saved_tensors
        for_image = _Spread.apply(g, kernel, *ctx.geometry) if ctx.needs_input_grad[0] else None
        for_kernel = _Match.apply(image, g, kernel.shape[2], *ctx.geometry) if kernel_is_asked_for(ctx) else None
        for_bias = g.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return for_image, for_kernel, for_bias, None, None


class _Spread(torch.autograd.Function):
    """``F.conv_transpose2d`` of a map ``(B, O, h, w)`` and a kernel ``(O, I, k, k)``."""

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, map: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(map, kernel)
        ctx.geometry = stride, padding
        return spread(map, kernel, stride, padding)

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,), (map, kernel) = gradients, ctx.saved_tensors
        for_map = _Conv.apply(g, kernel, None, *ctx.geometry) if ctx.needs_input_grad[0] else None
        for_kernel = _Match.apply(g, map, kernel.shape[2], *ctx.geometry) if kernel_is_asked_for(ctx) else None
        return for_map, for_kernel, None, None


class _Match(torch.autograd.Function):
    """The kernel gradient ``(O, I, k, k)``: how image patches ``(B, I, H, W)`` go with a map ``(B, O, h, w)``."""

    # The third of the maps: with it the other two have derivatives of any order that are built of these three alone.
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, image: Tensor, map: Tensor, size: int, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(image, map)
        ctx.geometry = stride, padding
        return match(image, map, size, stride, padding)

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (kernel,), (image, map) = gradients, ctx.saved_tensors
        for_image = _Spread.apply(map, kernel, *ctx.geometry) if ctx.needs_input_grad[0] else None
        for_map = _Conv.apply(image, kernel, None, *ctx.geometry) if ctx.needs_input_grad[1] else None
        return for_image, for_map, None, None, None


def spread(map: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    """``F.conv_transpose2d`` of a map ``(B, O, h, w)`` and a kernel ``(O, I, k, k)``.

    Few maps of twice the size, such as the colours of an image, are made on CPUs by a convolution of stride 1, which
    computes the four pixels of each place as maps of their own: a third of the time.
    """
    if not thin(map, kernel, stride, padding):
        return F.conv_transpose2d(map, kernel, None, stride, padding)
    # Pixel 2q + a of the result, counted from one before its border, is of pixels q - 1 and q: those of taps 2 + a, a.
    taps = kernel.unflatten(3, (2, 2)).unflatten(2, (2, 2)).flip(2, 4)  # (O, I, m, a, n, b)
    four = taps.permute(1, 3, 5, 0, 2, 4).reshape(-1, len(kernel), 2, 2)
    wide = F.conv2d(map, four.contiguous(memory_format=torch.channels_last), None, 1, 1)
    return F.pixel_shuffle(wide, 2)[:, :, 1:-1, 1:-1].contiguous(memory_format=torch.channels_last)


def match(image: Tensor, map: Tensor, size: int, stride: int, padding: int) -> Tensor:
    """``sum over b, y, x of image[b, :, s·y - p + i, s·x - p + j] · map[b, :, y, x]``, as ``(O, I, k, k)``.

    Patches of a few images at a time are laid out as rows (im2col), so that each product is large and memory small. In
    memory the result is channels-last, as kernels are, so that nobody has to turn it around.
    """
    if image.shape[1] <= THIN:
        return conv2d_weight(image, (map.shape[1], image.shape[1], size, size), map, stride, padding)
    # Channels last throughout: the innermost run of a patch is then contiguous, so that unfold is a view and reshape
    # one copy of long rows; and the product comes out in the memory layout that the optimiser's kernels have.
    padded = F.pad(image.permute(0, 2, 3, 1), (0, 0, *(padding,) * 4))  # (B, H, W, I)
    patches = padded.unfold(1, size, stride).unfold(2, size, stride).permute(0, 1, 2, 4, 5, 3)  # (B, h, w, k, k, I)
    pixels = map.permute(0, 2, 3, 1)  # (B, h, w, O)
    at_once = max(1, PATCHES // (patches[0].numel() * image.element_size()))
    width, maps = patches[0, 0, 0].numel(), map.shape[1]
    pieces = zip(patches.split(at_once), pixels.split(at_once), strict=True)
    products = (theirs.reshape(-1, maps).t() @ some.reshape(-1, width) for some, theirs in pieces)
    total = next(products)
    for product in products:
        total += product
    return total.view(maps, size, size, image.shape[1]).permute(0, 3, 1, 2)


def few(x: Tensor, kernel: Tensor, stride: int, padding: int) -> bool:
    """Whether a convolution makes the few maps of an image, in the way that :func:`four_at_once` has for them.

    Args:
        x: what is convolved.
        kernel: ``(O, I, k, k)``.
        stride, padding: in pixels.
    """
    if x.device.type != "cpu" or traced() or x.shape[2] % 2 or x.shape[3] % 2:
        return False
    return len(kernel) <= THIN and (*kernel.shape[2:], stride, padding) == (3, 3, 1, 1)


def four_at_once(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """``F.conv2d`` of ``x`` ``(B, I, H, W)`` and a 3x3 kernel ``(O, I, 3, 3)`` with a border of zeros.

    The four pixels of a 2x2 square are maps of one 4x4 convolution of stride 2: of few maps, which leave most of a
    processor's lanes idle, four times as many at once take two thirds of the time.
    """
    places = [F.pad(kernel, (across, 1 - across, down, 1 - down)) for down in (0, 1) for across in (0, 1)]
    wide = torch.stack(places, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return F.pixel_shuffle(F.conv2d(x, wide, None if bias is None else bias.repeat_interleave(4), 2, 1), 2)


def asked_of(x: Tensor, kernel: Tensor) -> bool:
    """Whether a gradient of either may be asked for."""
    return torch.is_grad_enabled() and (x.requires_grad or kernel.requires_grad)


def cast(x: Tensor) -> Tensor:
    """``x`` in the dtype that autocast would hand to a convolution.

    Autocast knows ``F.conv2d``, and nothing of a function of our own, which would be given float32 inputs.
    """
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def conv2d(x: Tensor, kernel: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """``F.conv2d`` of ``x`` ``(B, I, H, W)`` and ``kernel`` ``(O, I, k, k)``."""
    span = x.shape[2] + 2 * padding - kernel.shape[2]
    # With a rest the transposed convolution would give back fewer pixels than the image has, and be no gradient of it.
    if asked_of(x, kernel) and not span % stride and x.shape[2] == x.shape[3]:
        x, kernel, bias = cast(x), cast(kernel), None if bias is None else cast(bias)
        if products_pay(x, kernel, span // stride + 1) or thin(x, kernel, stride, padding):
            # A view, so that the kernel is no leaf: only of other nodes does the engine know whether it executes them.
            return _Conv.apply(x, kernel.view_as(kernel), bias, stride, padding)  # type: ignore[no-any-return, no-untyped-call]
    elif few(x, kernel, stride, padding):
        return four_at_once(x, kernel, bias)  # gradients by it take longer than those of the plain one
    return F.conv2d(x, kernel, bias, stride, padding)


def conv_transpose2d(x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    """``F.conv_transpose2d`` of ``x`` ``(B, O, h, w)`` and ``kernel`` ``(O, I, k, k)``, without a bias."""
    if asked_of(x, kernel):
        x, kernel = cast(x), cast(kernel)
        if products_pay(x, kernel, x.shape[2]) or thin(x, kernel, stride, padding):
            return _Spread.apply(x, kernel.view_as(kernel), stride, padding)  # type: ignore[no-any-return, no-untyped-call]
    return spread(x, kernel, stride, padding)


class Conv2d(nn.Conv2d):
    """A convolution with a square kernel, one stride and one zero padding for both directions, and no groups.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel in pixels.
        stride, padding: in pixels; what is padded is zero.
        bias: whether a number is added to each map.
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, size, stride=stride, padding=padding, bias=bias)
        self.step, self.margin = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, h, w)``."""
        return conv2d(x, self.weight, self.bias, self.step, self.margin)
