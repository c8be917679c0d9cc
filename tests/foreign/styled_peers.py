"""The style line's networks as the papers write them, with the names of their files: plain formulas, in float64.

Analyzing and Improving the Image Quality of StyleGAN (arXiv 1912.04958), Training Generative Adversarial Networks with
Limited Data (arXiv 2006.06676). Nothing here is fast: every image has a kernel of its own, doubling puts zeros between
pixels. A state is drawn at random, none of its numbers at its start.
"""

import math

import torch
import torch.nn.functional as F

import ganzoo
from ganzoo.foreign import Recorded

FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64

GAIN = math.sqrt(2)


class State(dict):
    """Tensors by name, drawn as they are asked for."""

    def __init__(self, seed=0):
        super().__init__()
        self.rng = torch.Generator().manual_seed(seed)

    def draw(self, name, *shape, scale=1.0, around=0.0):
        self[name] = torch.randn(shape, generator=self.rng) * scale + around

    def linear(self, name, inputs, outputs, speed=1.0, around=0.0):
        self.draw(f"{name}.weight", outputs, inputs, scale=1 / speed)
        self.draw(f"{name}.bias", outputs, scale=0.3 / speed, around=around)


def mapping_state(state, z_dim, w_dim, layers, classes, speed=0.01):
    """Of G's mapping network."""
    state.draw("mapping.w_avg", w_dim)
    if classes:
        state.linear("mapping.embed", classes, w_dim)
    for i in range(layers):
        state.linear(f"mapping.fc{i}", w_dim if i else z_dim + (w_dim if classes else 0), w_dim, speed)


def generator_state(widths, z_dim=5, w_dim=6, layers=2, classes=0, planes=3, noisy=True, seed=0, speed=0.01):
    """Of a StyleGAN2 whose maps of 4, 8, ... pixels have those channels."""
    state = State(seed)
    mapping_state(state, z_dim, w_dim, layers, classes, speed)
    state.draw("synthesis.b4.const", widths[0], 4, 4)
    for i, width in enumerate(widths):
        at = f"synthesis.b{4 << i}"
        state[f"{at}.resample_filter"] = FILTER
        for name, inputs in [("conv0", widths[i - 1]), ("conv1", width)][i == 0 :]:
            state.draw(f"{at}.{name}.weight", width, inputs, 3, 3)
            state.draw(f"{at}.{name}.bias", width, scale=0.3)
            state.linear(f"{at}.{name}.affine", w_dim, inputs, around=1)
            state[f"{at}.{name}.resample_filter"] = FILTER
            if noisy:
                state.draw(f"{at}.{name}.noise_const", 4 << i, 4 << i)
                state.draw(f"{at}.{name}.noise_strength", scale=0.3)
        state.draw(f"{at}.torgb.weight", planes, width, 1, 1)
        state.draw(f"{at}.torgb.bias", planes, scale=0.3)
        state.linear(f"{at}.torgb.affine", w_dim, width, around=1)
    return dict(state)


def discriminator_state(widths, classes=0, planes=3, form="residual", score="b4.out", width=4, layers=8, speed=0.01):
    """Of its D, for maps of 4, 8, ... pixels."""
    state, top = State(1), 4 << len(widths) - 1
    state.draw(f"b{top}.fromrgb.weight", widths[-1], planes, 1, 1)
    state.draw(f"b{top}.fromrgb.bias", widths[-1], scale=0.3)
    state[f"b{top}.fromrgb.resample_filter"] = FILTER
    for i in range(len(widths) - 1, 0, -1):
        at = f"b{4 << i}"
        state[f"{at}.resample_filter"] = FILTER
        kinds = [("conv0", widths[i], 3), ("conv1", widths[i - 1], 3), ("skip", widths[i - 1], 1)]
        for name, outputs, size in kinds[: 3 if form == "residual" else 2]:
            state.draw(f"{at}.{name}.weight", outputs, widths[i], size, size)
            state[f"{at}.{name}.resample_filter"] = FILTER
            if name != "skip":
                state.draw(f"{at}.{name}.bias", outputs, scale=0.3)
    state.draw("b4.conv.weight", widths[0], widths[0] + 1, 3, 3)
    state.draw("b4.conv.bias", widths[0], scale=0.3)
    state["b4.conv.resample_filter"] = FILTER
    state.linear("b4.fc", widths[0] * 16, widths[0])
    state.linear(score, widths[0], width if classes else 1)
    if classes:
        state.linear("mapping.embed", classes, width)
        for i in range(layers):
            state.linear(f"mapping.fc{i}", width, width, speed)
    return dict(state)


def recorded(state, kwargs):
    """A network as the reader of pickles gives it, whose tensors lie in modules within one another."""
    root = Recorded("Generator", kwargs=kwargs, state={"_parameters": {}, "_buffers": {}, "_modules": {}})
    for name, tensor in state.items():
        *path, last = name.split(".")
        module = root
        for part in path:
            inner = Recorded(part.title(), state={"_parameters": {}, "_buffers": {}, "_modules": {}})
            module = module.state["_modules"].setdefault(part, inner)
        module.state["_parameters"][last] = tensor
    return root


def noise(state, n=3, classes=0):
    z_dim = state["mapping.fc0.weight"].shape[1] - (state["mapping.w_avg"].numel() if classes else 0)
    rng = torch.Generator().manual_seed(5)
    return torch.randn(n, z_dim, generator=rng), torch.eye(max(classes, 1))[torch.arange(n) % max(classes, 1), :classes]


def fits_its_recipe(found):
    """What was converted, each tensor of it with a place of its shape in what the recipe builds."""
    gan = ganzoo.build(found.recipe, **found.size, device="meta")
    for side, tensors in found.networks.items():
        expected = {name: tensor.shape for name, tensor in gan.get_submodule(side).state_dict().items()}
        assert {name: tensor.shape for name, tensor in tensors.items()} == expected
    return found.networks


def double(state):
    """Its tensors in float64."""
    return {name: tensor.double() for name, tensor in state.items()}


def lrelu(x, gain=GAIN):
    return F.leaky_relu(x, 0.2) * gain


def unit(x):
    return x / x.square().mean(1, keepdim=True).add(1e-8).sqrt()


def linear(state, name, x, speed=1.0):
    weight = state[f"{name}.weight"]
    return x @ weight.T * speed / math.sqrt(weight.shape[1]) + state[f"{name}.bias"] * speed


def mapped(state, z, c, psi=1.0, speed=0.01):
    """w of noise and one-hot labels, drawn towards w_avg."""
    x = unit(z)
    if "mapping.embed.weight" in state:
        x = torch.cat([x, unit(linear(state, "mapping.embed", c))], 1)
    i = 0
    while f"mapping.fc{i}.weight" in state:
        x, i = lrelu(linear(state, f"mapping.fc{i}", x, speed)), i + 1
    return state["mapping.w_avg"] + psi * (x - state["mapping.w_avg"])


def doubled(x):
    """Zeros between pixels, and a filter that keeps the mean."""
    wide = x.new_zeros(*x.shape[:2], x.shape[2] * 2, x.shape[3] * 2)
    wide[:, :, ::2, ::2] = x
    return F.conv2d(F.pad(wide, (2, 1, 2, 1)), FILTER.to(x).expand(x.shape[1], 1, 4, 4) * 4, groups=x.shape[1])


def modulated(state, name, x, w, demodulate=True):
    """The kernels of each image, scaled by its style and brought back to length 1."""
    weight = state[f"{name}.weight"]
    kernels = weight * linear(state, f"{name}.affine", w)[:, None, :, None, None]
    if demodulate:
        kernels = kernels / kernels.square().sum((2, 3, 4), keepdim=True).sqrt()
    else:
        kernels = kernels / math.sqrt(weight[0].numel())
    pairs = zip(x, kernels, strict=True)
    return torch.cat([F.conv2d(one[None], kernel, padding=weight.shape[2] // 2) for one, kernel in pairs])


def layer(state, name, x, w):
    x = modulated(state, name, x, w)
    if f"{name}.noise_const" in state:
        x = x + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
    return lrelu(x + state[f"{name}.bias"][:, None, None])


def drawn(state, z, c, psi=1.0, speed=0.01):
    """Images of noise and labels.

    The kernel of ``conv0`` is that of a transposed convolution: turned, where a convolution follows the doubling.
    """
    state = double(state)
    w = mapped(state, z.double(), c.double(), psi, speed)
    x, image, side = state["synthesis.b4.const"].expand(len(z), -1, -1, -1), 0, 4
    while f"synthesis.b{side}.conv1.weight" in state:
        at = f"synthesis.b{side}"
        if side > 4:
            turned = {**state, f"{at}.conv0.weight": state[f"{at}.conv0.weight"].flip(2, 3)}
            x, image = layer_up(turned, f"{at}.conv0", x, w), doubled(image)
        x = layer(state, f"{at}.conv1", x, w)
        image = image + modulated(state, f"{at}.torgb", x, w, False) + state[f"{at}.torgb.bias"][:, None, None]
        side *= 2
    return image


def layer_up(state, name, x, w):
    """Doubling by zeros and a filter comes first; a filter and a convolution may change places but at the borders."""
    wide = x.new_zeros(*x.shape[:2], x.shape[2] * 2 - 1, x.shape[3] * 2 - 1)
    wide[:, :, ::2, ::2] = x
    made = modulated(state, name, F.pad(wide, (1, 1, 1, 1)), w)  # all that a 3x3 kernel reaches
    kernel = FILTER.to(x).expand(made.shape[1], 1, 4, 4) * 4
    made = F.conv2d(F.pad(made, (1, 1, 1, 1)), kernel, groups=made.shape[1])
    if f"{name}.noise_const" in state:
        made = made + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
    return lrelu(made + state[f"{name}.bias"][:, None, None])


def convolved(state, name, x, down=False, gain=GAIN):
    """A convolution of D, which may halve the map: a filter, and every second pixel."""
    weight = state[f"{name}.weight"]
    size, weight = weight.shape[2], weight / math.sqrt(weight[0].numel())
    if down:
        x = F.conv2d(F.pad(x, [size // 2 + 1] * 4), FILTER.to(x).expand(x.shape[1], 1, 4, 4), groups=x.shape[1])
        x = F.conv2d(x, weight, stride=2)
    else:
        x = F.conv2d(x, weight, padding=size // 2)
    bias = state.get(f"{name}.bias")
    return x * gain if bias is None else lrelu(x + bias[:, None, None], gain)


def judged(state, images, c, speed=0.01):
    """Scores of images, whose batch is one group."""
    state, side = double(state), images.shape[2]
    x = convolved(state, f"b{side}.fromrgb", images.double())
    while side > 4:
        inner = convolved(state, f"b{side}.conv0", x)
        if f"b{side}.skip.weight" in state:
            skip = convolved(state, f"b{side}.skip", x, True, math.sqrt(0.5))
            x = convolved(state, f"b{side}.conv1", inner, True, 1.0) + skip
        else:
            x = convolved(state, f"b{side}.conv1", inner, True)
        side //= 2
    spread = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()
    x = convolved(state, "b4.conv", torch.cat([x, spread.expand(len(x), 1, 4, 4)], 1))
    x = lrelu(linear(state, "b4.fc", x.flatten(1)))
    x = linear(state, "b4.out" if "b4.out.weight" in state else "linear1", x)
    if "mapping.embed.weight" not in state:
        return x.flatten()
    label, i = unit(linear(state, "mapping.embed", c.double())), 0
    while f"mapping.fc{i}.weight" in state:
        label, i = lrelu(linear(state, f"mapping.fc{i}", label, speed)), i + 1
    return (x * label).sum(1) / math.sqrt(x.shape[1])
