"""StyleGAN3's generator as the paper writes it, with the names of its files: plain formulas, in float64.

Alias-Free Generative Adversarial Networks (arXiv 2106.12423), sections 2 and 3, appendices C and F. Each pixel has a
place, in sides from the middle of its map; a filter is a matrix between the places of two maps.
"""

import math

import torch
import torch.nn.functional as F

from tests.foreign.styled_peers import State, double, linear, lrelu, mapped, mapping_state, modulated


def table(side, layers, margin, ch, full):
    """Cutoff, rate, pixels and channels of each layer."""
    rows = []
    for i in range(layers):
        share = min(i / (layers - 2), 1)
        cutoff = 2 * (side / 4) ** share
        stopband = 2**2.1 * (side / 2 * 2**0.3 / 2**2.1) ** share
        rate = min(2 ** math.ceil(math.log2(2 * stopband)), side)
        pixels = side if i == layers - 1 else rate + 2 * margin
        rows.append((cutoff, rate, pixels, round(min(ch * full / 2 / cutoff, ch))))
    return rows


def symmetric(state, taps):
    """A filter that no design would give, whose sum is 1."""
    half = torch.rand(taps // 2, generator=state.rng) + 0.1
    return torch.cat([half, half.flip(0)]) / half.sum() / 2


def generator_state(side=16, layers=4, margin=2, ch=6, full=8, *, radial=False, planes=3, classes=0, seed=0, **sizes):
    """Of a StyleGAN3; ``radial`` is configuration R, whose ``ch`` is given doubled."""
    state, w_dim = State(seed), sizes.get("w_dim", 5)
    mapping_state(state, sizes.get("z_dim", 4), w_dim, sizes.get("mapping", 2), classes)
    rows, kernel = table(side, layers, margin, ch, full), 1 if radial else 3
    first, at = rows[0], "synthesis.input"
    state.draw(f"{at}.weight", first[3], first[3])
    state.draw(f"{at}.freqs", first[3], 2)
    state.draw(f"{at}.phases", first[3])
    state[f"{at}.transform"] = torch.tensor([[0.8, -0.6, 0.1], [0.6, 0.8, -0.2], [0.0, 0.0, 1.0]])
    state.linear(f"{at}.affine", w_dim, 4)
    for i, (before, after) in enumerate(zip([first, *rows], rows, strict=False)):
        at, middle = f"synthesis.L{i}_{after[2]}_{after[3]}", 2 * max(before[1], after[1])
        convolution(state, at, before[3], after[3], kernel, w_dim)
        state[f"{at}.up_filter"] = symmetric(state, 6 * middle // before[1])
        down = symmetric(state, 6 * middle // after[1])
        state[f"{at}.down_filter"] = down.outer(down) if radial and i < layers - 2 else down
    convolution(state, f"synthesis.L{layers}_{side}_{planes}", rows[-1][3], planes, 1, w_dim)
    return dict(state)


def convolution(state, at, inputs, outputs, kernel, w_dim):
    state.draw(f"{at}.weight", outputs, inputs, kernel, kernel)
    state.draw(f"{at}.bias", outputs, scale=0.3)
    state[f"{at}.magnitude_ema"] = torch.rand((), generator=state.rng) + 0.5
    state.linear(f"{at}.affine", w_dim, inputs, around=1)


def places(pixels, rate):
    return (torch.arange(pixels, dtype=torch.float64) + 0.5 - pixels / 2) / rate


def waves(state, w, pixels, rate):
    """sin(2π (f R (u - t) + φ)), where u is a place after the file's own transform."""
    t = linear(state, "synthesis.input.affine", w)
    t = t / t[:, :2].norm(dim=1, keepdim=True)
    x, y = places(pixels, rate), places(pixels, rate)
    spots = torch.stack([x.expand(pixels, -1), y[:, None].expand(-1, pixels), torch.ones(pixels, pixels)], 2)
    maps = []
    for c, s, right, down in t.tolist():
        turn = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)
        shift = torch.tensor([[1, 0, -right], [0, 1, -down], [0, 0, 1]], dtype=torch.float64)
        u = (spots @ (turn @ shift @ state["synthesis.input.transform"]).T)[:, :, :2]
        maps.append(torch.sin(2 * math.pi * (u @ state["synthesis.input.freqs"].T + state["synthesis.input.phases"])))
    weight = state["synthesis.input.weight"]
    return (torch.stack(maps) @ weight.T / math.sqrt(len(weight))).permute(0, 3, 1, 2)


def between(fine, coarse, taps, rate):
    """What each place of a fine map, of that rate, has to do with each of a coarse one."""
    steps = (fine[:, None] - coarse) * rate + (len(taps) - 1) / 2
    at = steps.round().long()
    assert float((steps - at).abs().max()) < 1e-6
    return torch.where((at >= 0) & (at < len(taps)), taps[at.clamp(0, len(taps) - 1)], 0)


def layer(state, at, x, w, before, after):
    """A convolution that keeps all it reaches, and a leaky ReLU at a high rate."""
    reach = state[f"{at}.weight"].shape[2] // 2
    x = F.pad(x / state[f"{at}.magnitude_ema"].sqrt(), [reach] * 4)
    x = modulated(state, at, x, w) + state[f"{at}.bias"][:, None, None]
    rate = 2 * max(before[1], after[1])
    fine = places(2 * (x.shape[2] * rate // before[1] + 24), rate)  # wider than anything reaches
    up = between(fine, places(x.shape[2], before[1]), state[f"{at}.up_filter"], rate) * rate / before[1]
    x, down = lrelu(up @ x @ up.T), state[f"{at}.down_filter"]
    if down.dim() == 1:
        narrow = between(fine, places(after[2], after[1]), down, rate).T
        return narrow @ x @ narrow.T
    steps = (fine[:, None] - places(after[2], after[1])) * rate + (len(down) - 1) / 2
    first = int(steps[:, 0].abs().argmin())
    x, step = x[:, :, first:, first:], rate // after[1]
    made = F.conv2d(x.flatten(0, 1)[:, None], down[None, None], stride=step)
    return made[:, 0, : after[2], : after[2]].unflatten(0, x.shape[:2])


def drawn(state, z, c, psi=1.0, *, margin=2, scale=0.25):
    """Images of noise and labels."""
    names = [name.removesuffix(".magnitude_ema") for name in state if name.endswith(".magnitude_ema")]
    side, state = int(names[-1].split("_")[1]), double(state)
    rows = table(side, len(names) - 1, margin, 1, 1)
    w = mapped(state, z.double(), c.double(), psi)
    x = waves(state, w, rows[0][2], rows[0][1])
    for at, before, after in zip(names[:-1], [rows[0], *rows], rows, strict=False):
        x = layer(state, at, x, w, before, after)
    x = x / state[f"{names[-1]}.magnitude_ema"].sqrt()
    return scale * (modulated(state, names[-1], x, w, False) + state[f"{names[-1]}.bias"][:, None, None])
