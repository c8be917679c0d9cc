"""Every loss, head and regularizer of the registry against its formula, written out image by image, in float64.

A formula gives the terms of an update by name. A part has to give the same terms, and the gradient of their sum in all
that the player trains has to be that of the formula (where a formula holds something, it says ``detach``) and, where
nothing is held, that of finite differences.

``FORMS`` has every built-in part of these kinds; one that is registered without a formula fails the first test.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
import torch
import torch.nn.functional as f
from small_world import FAKE, REAL, SIDE, B, F, K, World, Z, mean, part
from torch import Tensor

from ganzoo.parts import Regularizer
from ganzoo.registry.loading import registry

Terms = dict[str, Tensor]
PLAIN = ("conditioning/plain", {})


@dataclass
class Case:
    """A part with options that are not its defaults, and what it is to give.

    Attributes:
        word: ``kind/name`` of the part.
        form: the terms of a world's update.
        options: of the part.
        players: in whose updates.
        head: of D.
        score: for a head, the score of one image of a class.
        held: whether a formula holds something that the player trains, so that finite differences do not agree.
        codes: behind the noise.
    """

    word: str
    form: Callable[[World], Terms]
    options: dict[str, object] = field(default_factory=dict)
    players: tuple[str, ...] = ("d", "g")
    head: tuple[str, dict[str, object]] = PLAIN
    score: Callable[[World, Tensor, int], Tensor] | None = None
    held: bool = False
    codes: int = 0


# --- losses --------------------------------------------------------------------------------------------------


def softplus(s: Tensor) -> Tensor:
    return torch.log(1 + torch.exp(s))


def scores(w: World) -> tuple[list[Tensor], list[Tensor]]:
    """Of real images and of fakes."""
    return [w.s(x, y) for x, y in zip(w.real, REAL, strict=True)], [
        w.s(x, y) for x, y in zip(w.fake, FAKE, strict=True)
    ]


def loss(d: Callable[..., Tensor], g: Callable[..., Tensor]) -> Callable[[World], Terms]:
    return lambda w: {"loss": {"d": d, "g": g}[w.player](*scores(w))}


def rivals(shape: Callable[[Tensor], Tensor]) -> Callable[[World], Terms]:
    """RaGAN: images against the mean of the others."""

    def d(r: list[Tensor], s: list[Tensor]) -> Tensor:
        return mean(shape(x - mean(s)) for x in r) + mean(shape(mean(r) - x) for x in s)

    return loss(d, lambda r, s: d(s, r))


cross_entropy_d = lambda r, s: mean(softplus(-x) for x in r) + mean(softplus(x) for x in s)  # noqa: E731
non_saturating = lambda r, s: mean(softplus(-x) for x in s)  # noqa: E731
wasserstein = loss(lambda r, s: mean(s) - mean(r), lambda r, s: -mean(s))


def shares(r: list[Tensor], s: list[Tensor]) -> Tensor:
    """Softmax GAN: the logarithm of the partition function."""
    return torch.log(sum(torch.exp(x) for x in [*r, *s]))


def outstanding(r: list[Tensor], s: list[Tensor]) -> Tensor:
    """Dual contrast: each of one kind against all of the other, and the other way round."""
    one = mean(torch.log(1 + sum(torch.exp(b - a) for b in s)) for a in r)
    return one + mean(torch.log(1 + sum(torch.exp(b - a) for a in r)) for b in s)


def logits(w: World, x: Tensor) -> Tensor:
    """Of the classifier of a head, for one image."""
    layer = w.D.head.classifier
    return layer.weight @ w.h(x) + (0 if layer.bias is None else layer.bias)


def crammer_singer(w: World, images: Tensor, classes: list[int]) -> Tensor:
    def one(x: Tensor, c: int) -> Tensor:
        o = logits(w, x)
        return f.relu(1 - o[c] + torch.stack([o[k] for k in range(K + 1) if k != c]).max())

    return mean(one(x, c) for x, c in zip(images, classes, strict=True))


def multi_hinge(w: World) -> Terms:
    if w.player == "d":
        return {"loss": crammer_singer(w, w.real, REAL) + crammer_singer(w, w.fake, [K] * B)}
    return {"loss": 0.3 * crammer_singer(w, w.fake, FAKE)}


# --- heads ---------------------------------------------------------------------------------------------------


def nll(z: Tensor, c: int) -> Tensor:
    return -(z[c] - torch.log(torch.exp(z).sum()))


def entropy(w: World, layer: torch.nn.Linear, images: Tensor, classes: list[int]) -> Tensor:
    bias = 0 if layer.bias is None else layer.bias
    return mean(nll(layer.weight @ w.h(x) + bias, c) for x, c in zip(images, classes, strict=True))


def ac(w: World) -> Terms:
    of = partial(entropy, w, w.D.head.classifier)
    if w.player == "d":
        return {"class_real": 2 * of(w.real, REAL), "class_fake": 3 * of(w.fake, FAKE)}
    return {"class_fake": 5 * of(w.fake, FAKE)}


def tac(w: World) -> Terms:
    twin = {"d": 3, "g": -5}[w.player] * entropy(w, w.D.head.twin, w.fake, FAKE)
    return {"class": 2 * entropy(w, w.D.head.classifier, *w.seen()), "twin": twin}


def adc(w: World) -> Terms:
    real, fake = {"d": (2, 2), "g": (3, -3)}[w.player]
    images, classes = w.seen()
    of = partial(entropy, w, w.D.head.classifier)
    as_fake = of(w.fake, [2 * c + 1 for c in FAKE])
    return {"class_real": real * of(images, [2 * c for c in classes]), "class_fake": fake * as_fake}


Contrast = Callable[[list[Tensor], list[Tensor], list[int]], Tensor]


def contra(e: list[Tensor], v: list[Tensor], y: list[int]) -> Tensor:
    """Equation 8 of ContraGAN, with a temperature of 0.7."""

    def one(i: int) -> Tensor:
        proxy = torch.exp(e[i] @ v[i] / 0.7)
        every = {k: torch.exp(e[i] @ e[k] / 0.7) for k in range(len(y)) if k != i}
        alike = [value for k, value in every.items() if y[k] == y[i]]
        return -torch.log((proxy + sum(alike)) / (proxy + sum(every.values())))

    return mean(map(one, range(len(y))))


def d2d(e: list[Tensor], v: list[Tensor], y: list[int]) -> Tensor:
    """Equation 5 of ReACGAN, with a margin of 0.6 and a temperature of 0.4."""

    def one(i: int) -> Tensor:
        near = torch.exp((e[i] @ v[i] - 0.6).clamp(max=0) / 0.4)
        far = [torch.exp((e[i] @ e[j] - 0.4).clamp(min=0) / 0.4) for j in range(len(y)) if y[j] != y[i]]
        return -torch.log(near / (near + sum(far)))

    return mean(map(one, range(len(y))))


def contrast(how: Contrast, aux: str) -> Callable[[World], Terms]:
    """The terms of a contrastive head: weights 2, of a twin 3 in D and 5 in G."""

    def unit(v: Tensor) -> Tensor:
        return v / v.norm()

    def of(w: World, space: torch.nn.Module, images: Tensor, y: list[int], proxies: list[int]) -> Tensor:
        e = [unit(space.embed.weight @ w.h(x) + space.embed.bias) for x in images]
        return how(e, [unit(space.proxies.weight[:, c]) for c in proxies], y)

    def terms(w: World) -> Terms:
        images, y = w.seen()
        if aux == "adc":
            own = 2 * of(w, w.D.head.space, images, y, [2 * c for c in y])
            apart = of(w, w.D.head.space, w.fake, FAKE, [2 * c + 1 for c in FAKE])
            return {"contrast": own, "contrast_fake": {"d": 2, "g": -5}[w.player] * apart}
        own = {"contrast": 2 * of(w, w.D.head.space, images, y, y)}
        twin = {"d": 3, "g": -5}[w.player]
        return own | ({"twin": twin * of(w, w.D.head.twin, w.fake, FAKE, FAKE)} if aux == "tac" else {})

    return terms


def nothing(w: World) -> Terms:
    return {}


def plain_score(w: World, x: Tensor, y: int) -> Tensor:
    return w.s(x, y)


def projection(w: World, x: Tensor, y: int) -> Tensor:
    return w.s(x, y) + w.D.head.embedding.weight[:, y] @ w.h(x)


def bilinear(w: World, x: Tensor, y: int) -> Tensor:
    return (w.D.head.map.weight @ w.h(x)) @ w.D.head.embedding.weight[:, y]


def mapped(w: World, x: Tensor, y: int) -> Tensor:
    """spd with two layers of width 6; linear maps are scaled by their inputs when they run, and the label's learn at a
    hundredth of the rate."""
    head = w.D.head
    m = head.embed.weight[:, y] / K**0.5 + head.embed.bias
    m = m / (m.square().mean() + 1e-8).sqrt()
    for layer in head.mapping.layers:
        m = 2**0.5 * f.leaky_relu(layer.weight @ m * 0.01 / 6**0.5 + layer.bias * 0.01, 0.2)
    return (head.vector.weight @ w.h(x) / F**0.5 + head.vector.bias) @ m / 6**0.5


def with_maps(w: World, x: Tensor, y: int) -> Tensor:
    """onehot: a map for each class beside the image."""
    maps = torch.zeros(K, SIDE, SIDE, dtype=x.dtype)
    maps[y] = 1
    h = torch.tanh(w.D.trunk.weight @ torch.cat([x, maps]).flatten() + w.D.trunk.bias)
    return w.D.head.score.weight[0] @ h + w.D.head.score.bias[0]


def above_fake(w: World, x: Tensor, y: int) -> Tensor:
    return logits(w, x)[y] - logits(w, x)[K]


def own_output(w: World, x: Tensor, y: int) -> Tensor:
    return w.D.head.scores.weight[y] @ w.h(x) + w.D.head.scores.bias[y]


# --- regularizers --------------------------------------------------------------------------------------------


def draw(*shape: int, normal: bool = False) -> Tensor:
    return (torch.randn if normal else torch.rand)(*shape).double()


def on_lines(w: World) -> Tensor:
    share = draw(B, 1, 1, 1)
    return share * w.real + (1 - share) * w.fake


def gp(w: World) -> Terms:
    return {"gp": 3 * mean((w.slope(x).norm() - 1) ** 2 for x in on_lines(w))}


def maxgp(w: World) -> Terms:
    return {"maxgp": 3 * torch.stack([w.slope(x).square().sum() for x in on_lines(w)]).max()}


def wgan_div(w: World) -> Terms:
    return {"wgan-div": 3 * mean(w.slope(x).norm() ** 4 for x in on_lines(w))}


def dragan(w: World) -> Terms:
    share, noise = draw(B, 1, 1, 1), draw(B, 1, SIDE, SIDE)
    spread = ((w.real - w.real.mean()).square().sum() / (w.real.numel() - 1)).sqrt()
    return {"dragan": 3 * mean((w.slope(x).norm() - 2) ** 2 for x in w.real + share * 0.7 * spread * noise)}


def flat_at(name: str, where: str) -> Callable[[World], Terms]:
    return lambda w: {name: 3 / 2 * mean(w.slope(x).square().sum() for x in getattr(w, where))}


def nearly_flat_at(name: str, where: str) -> Callable[[World], Terms]:
    def terms(w: World) -> Terms:
        noise = draw(B, 1, SIDE, SIDE, normal=True)
        gaps = [(w.s(x, 0) - w.s(x + 0.1 * e, 0)) / 0.1 for x, e in zip(getattr(w, where), noise, strict=True)]
        return {name: 3 / 2 * mean(gap**2 for gap in gaps)}

    return terms


def drift(w: World) -> Terms:
    return {"drift": 3 * mean(s**2 for s in scores(w)[0])}


def lecam(clip: bool) -> Callable[[World], Terms]:
    """After three updates in which the averages came to 0.4 and -0.2, not yet corrected."""
    bound: Callable[[Tensor], Tensor] = f.relu if clip else lambda gap: gap

    def terms(w: World) -> Terms:
        r, s = scores(w)
        real, fake = ((0.9 * old + 0.1 * mean(new)).detach() / (1 - 0.9**4) for old, new in ((0.4, r), (-0.2, s)))
        return {"lecam": 2 * (mean(bound(x - fake) ** 2 for x in r) + mean(bound(real - x) ** 2 for x in s))}

    return terms


def moved(images: Tensor, shift: int) -> Tensor:
    """Mirrored by a coin, shifted by whole pixels, reflected at borders: pixel by pixel."""
    mirrored, down, right = torch.rand(B, 1, 1, 1) < 0.5, torch.rand(B), torch.rand(B)

    def inside(place: int) -> int:
        return -place if place < 0 else 2 * (SIDE - 1) - place if place >= SIDE else place

    made = torch.empty_like(images)
    for i in range(B):
        image = images[i, 0].flip(1) if mirrored[i] else images[i, 0]
        low, left = (int(drawn[i] * (2 * shift + 1)) - shift for drawn in (down, right))
        for a in range(SIDE):
            for b in range(SIDE):
                made[i, 0, a, b] = image[inside(a + low), inside(b + left)]
    return made


def apart(w: World, one: Tensor, other: Tensor) -> Tensor:
    """What D with a classifier says of two sets of images: scores and logits."""
    pairs = list(zip(one, other, strict=True))
    of_scores = mean((w.s(x, 0) - w.s(y, 0)) ** 2 for x, y in pairs)
    return of_scores + mean((logits(w, x) - logits(w, y)).square().mean() for x, y in pairs)


def cr(w: World) -> Terms:
    return {"cr": 3 * apart(w, w.real, moved(w.real, 2))}


def bcr(w: World) -> Terms:
    return {
        f"bcr_{what}": weight * apart(w, x, moved(x, 2))
        for what, weight, x in (("real", 3, w.real), ("fake", 5, w.fake))
    }


def zcr(w: World) -> Terms:
    near = w.made(w.z + 0.2 * draw(B, Z, normal=True))
    if w.player == "g":
        return {"zcr": -3 * mean((x - y).square().mean() for x, y in zip(w.fake, near, strict=True))}
    return {"zcr": 2 * apart(w, w.fake, near.detach())}


def lo(w: World) -> Terms:
    """The step of each noise by itself; then a loss of the fakes that it leads to."""
    steps = []
    for z in w.z:
        z = z.clone().requires_grad_()
        (g,) = torch.autograd.grad(w.s(w.made(z[None])[0], 0), z, create_graph=True)
        steps.append(0.5 * g / (0.3 + g @ g))
    step = torch.stack(steps) * (torch.rand(B, Z) < 0.6)
    fakes = w.made(w.z + step)
    return {"lo": 2 * mean(d @ d for d in step), "fakes": mean(w.s(x, 0) for x in fakes)}


def fm(norm: str) -> Callable[[World], Terms]:
    def terms(w: World) -> Terms:
        gap = torch.stack([w.h(x) for x in w.real]).mean(0) - torch.stack([w.h(x) for x in w.fake]).mean(0)
        return {"fm": 3 * (gap @ gap if norm == "l2" else gap.abs().mean())}

    return terms


def pull_away(w: World) -> Terms:
    """The squared cosines of all pairs of fakes."""
    h = [w.h(x) for x in w.fake]
    pairs = [(a @ b) ** 2 / ((a @ a) * (b @ b)) for i, a in enumerate(h) for j, b in enumerate(h) if i != j]
    return {"pull-away": 3 * mean(pairs)}


def vicreg(w: World) -> Terms:
    """Covariances entry by entry."""

    def of(images: Tensor) -> Tensor:
        h = torch.stack([w.h(x) for x in images])
        h = h - h.mean(0)
        cov = [[(h[:, a] * h[:, b]).sum() / (B - 1) for a in range(F)] for b in range(F)]
        spread = mean(f.relu(1 - (cov[a][a] + 1e-4).sqrt()) for a in range(F))
        return spread + 0.5 * sum(cov[a][b] ** 2 for a in range(F) for b in range(F) if a != b) / F

    seen = [w.real, w.fake] if w.player == "d" else [w.fake]
    return {"vicreg": 3 * mean(map(of, seen))}


def history(w: World) -> Terms:
    """In the fourth update, after three in which every parameter was 0.5 on average."""
    gaps = [(p - (0.5 * 3 + p.detach()) / 4).square().sum() for p in w.own[0].parameters()]
    return {"historical-average": 3 * sum(gaps)}


def ortho(w: World) -> Terms:
    rows = [layer.weight for layer in (w.G.first, w.G.last)]
    pairs = [(a @ b) ** 2 for m in rows for i, a in enumerate(m) for j, b in enumerate(m) if i != j]
    return {"ortho": 3 * torch.stack(pairs).sum()}


def info(w: World) -> Terms:
    """Two codes of 3 categories by cross-entropy, one number by a Gaussian whose deviation is given by its log."""
    said = [w.parts[0].reader.weight @ w.h(x) for x in w.fake]
    codes = w.z[:, Z:]
    kinds = sum(
        mean(nll(q[at : at + 3], int(c[at : at + 3].argmax())) for q, c in zip(said, codes, strict=True))
        for at in (0, 3)
    )

    def density(x: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        return torch.exp(-((x - mu) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    unlikely = mean(-torch.log(density(c[6], q[6], torch.exp(q[7]))) for q, c in zip(said, codes, strict=True))
    return {"info_categorical": 2 * kinds, "info_continuous": 5 * unlikely}


def rotation(w: World) -> Terms:
    """Image i turned by i quarter turns, which a linear map of the features is to tell."""
    images, _ = w.seen()
    turned = [torch.rot90(x, i % 4, (1, 2)) for i, x in enumerate(images)]
    reader = w.parts[0].reader
    told = [nll(reader.weight @ w.h(x) + reader.bias, i % 4) for i, x in enumerate(turned)]
    return {"rotation": {"d": 2, "g": 3}[w.player] * mean(told)}


def san(w: World) -> Terms:
    """Beside its term, the hinge of D's own loss, which must not move the direction."""
    layer = w.D.head.score
    unit = layer.weight[0] / layer.weight[0].norm()
    along = [mean(w.h(x).detach() @ unit for x in images) for images in (w.fake, w.real)]

    def s(x: Tensor) -> Tensor:
        return layer.scale * (w.h(x) @ unit.detach()) + layer.bias[0]

    hinge = mean(f.relu(1 - s(x)) for x in w.real) + mean(f.relu(1 + s(x)) for x in w.fake)
    return {"direction": 2 * (along[0] - along[1]), "hinge": hinge}


D, G = ("d",), ("g",)
CODED = {"categorical": 2, "classes": 3, "continuous": 1, "weight": 2.0, "weight_c": 5.0}
TWINS = {"weight": 2.0, "weight_d": 3.0, "weight_g": 5.0, "width": 4}
CLASSIFIED = ("conditioning/ac", {})
FORMS = [
    Case("loss/bce", loss(cross_entropy_d, non_saturating)),
    Case(
        "loss/bce",
        loss(
            lambda r, s: mean(0.8 * softplus(-x) + 0.2 * softplus(x) for x in r) + mean(map(softplus, s)),
            non_saturating,
        ),
        {"smooth": 0.8},
    ),
    Case("loss/minimax", loss(cross_entropy_d, lambda r, s: -mean(map(softplus, s)))),
    Case("loss/logistic", loss(cross_entropy_d, non_saturating)),
    Case(
        "loss/ls",
        loss(
            lambda r, s: 0.5 * mean((x - 2) ** 2 for x in r) + 0.5 * mean((x + 3) ** 2 for x in s),
            lambda r, s: 0.5 * mean((x - 5) ** 2 for x in s),
        ),
        {"a": -3.0, "b": 2.0, "c": 5.0},
    ),
    Case(
        "loss/hinge",
        loss(lambda r, s: mean(f.relu(1 - x) for x in r) + mean(f.relu(1 + x) for x in s), lambda r, s: -mean(s)),
    ),
    Case("loss/wgan", wasserstein),
    Case("loss/wgan-clip", wasserstein),
    Case("loss/multi-hinge", multi_hinge, {"weight_g": 0.3}, head=("conditioning/mh", {})),
    Case(
        "loss/relativistic",
        loss(
            lambda r, s: mean(softplus(b - a) for a, b in zip(r, s, strict=True)),
            lambda r, s: mean(softplus(a - b) for a, b in zip(r, s, strict=True)),
        ),
    ),
    Case("loss/relativistic-average", rivals(lambda m: softplus(-m))),
    Case("loss/relativistic-average", rivals(lambda m: (m - 1) ** 2), {"form": "ls"}),
    Case("loss/relativistic-average", rivals(lambda m: f.relu(1 - m)), {"form": "hinge"}),
    Case("loss/boundary-seeking", loss(cross_entropy_d, lambda r, s: mean(x**2 for x in s) / 2)),
    Case("loss/softmax", loss(lambda r, s: shares(r, s) - mean(r), lambda r, s: shares(r, s) - mean([*r, *s]))),
    Case("loss/dual-contrastive", loss(outstanding, lambda r, s: outstanding(s, r))),
    Case(
        "loss/energy",
        loss(lambda r, s: mean(-a for a in r) + mean(f.relu(0.3 + b) for b in s), lambda r, s: mean(-b for b in s)),
        {"margin": 0.3},
    ),
    Case("conditioning/plain", nothing, score=plain_score),
    Case("conditioning/projection", nothing, score=projection),
    Case("conditioning/bilinear", nothing, score=bilinear),
    Case("conditioning/spd", nothing, {"width": 6, "layers": 2}, score=mapped),
    Case("conditioning/onehot", nothing, score=with_maps),
    Case("conditioning/ac", ac, {"weight": 2.0, "weight_fake": 3.0, "weight_g": 5.0}, score=plain_score),
    Case(
        "conditioning/ac",
        lambda w: (
            {name: term / 5 for name, term in ac(w).items()}
            if w.player == "g"
            else {"class_real": ac(w)["class_real"] / 2}
        ),
        {"weight_fake": 0.0, "bias": False},
        score=plain_score,
    ),
    Case("conditioning/tac", tac, {"weight": 2.0, "weight_d": 3.0, "weight_g": 5.0}, score=plain_score),
    Case("conditioning/adc", adc, {"weight": 2.0, "weight_g": 3.0}, score=plain_score),
    Case("conditioning/mh", nothing, score=above_fake),
    Case("conditioning/md", nothing, score=own_output),
    *(
        Case(f"conditioning/{name}", contrast(how, aux), {**TWINS, **more, "aux": aux}, score=plain_score)
        for name, how, more in (
            ("2c", contra, {"temperature": 0.7}),
            ("d2dce", d2d, {"margin": 0.6, "temperature": 0.4}),
        )
        for aux in ("none", "tac", "adc")
    ),
    Case("regularizer/gp", gp, {"weight": 3.0}, D),
    Case("regularizer/maxgp", maxgp, {"weight": 3.0}, D),
    Case("regularizer/dragan", dragan, {"weight": 3.0, "k": 2.0, "c": 0.7}, D),
    Case("regularizer/r1", flat_at("r1", "real"), {"gamma": 3.0}, D),
    Case("regularizer/r2", flat_at("r2", "fake"), {"gamma": 3.0}, D),
    Case("regularizer/r1-approx", nearly_flat_at("r1_approx", "real"), {"gamma": 3.0, "sigma": 0.1}, D),
    Case("regularizer/r2-approx", nearly_flat_at("r2_approx", "fake"), {"gamma": 3.0, "sigma": 0.1}, D),
    Case("regularizer/lecam", lecam(False), {"weight": 2.0, "decay": 0.9}, D, held=True),
    Case("regularizer/lecam", lecam(True), {"weight": 2.0, "decay": 0.9, "clip": True}, D, held=True),
    Case("regularizer/cr", cr, {"weight": 3.0, "shift": 2}, D, CLASSIFIED),
    Case("regularizer/bcr", bcr, {"real": 3.0, "fake": 5.0, "shift": 2}, D, CLASSIFIED),
    Case("regularizer/zcr", zcr, {"weight": 2.0, "weight_g": 3.0, "sigma": 0.2}, head=CLASSIFIED),
    Case("regularizer/lo", lo, {"alpha": 0.5, "beta": 0.3, "share": 0.6, "weight": 2.0}),
    Case("regularizer/fm", fm("l2"), {"weight": 3.0}, G),
    Case("regularizer/fm", fm("l1"), {"weight": 3.0, "norm": "l1"}, G),
    Case("regularizer/drift", drift, {"weight": 3.0}, D),
    Case("regularizer/wgan-div", wgan_div, {"k": 3.0, "p": 4.0}, D),
    Case("regularizer/pull-away", pull_away, {"weight": 3.0}, G),
    Case("regularizer/vicreg", vicreg, {"weight": 3.0, "covariance": 0.5}),
    Case("regularizer/historical-average", history, {"weight": 3.0}, held=True),
    Case("regularizer/ortho", ortho, {"weight": 3.0}, G),
    Case("regularizer/info", info, CODED, codes=7),
    Case("regularizer/rotation", rotation, {"weight_d": 2.0, "weight_g": 3.0}),
    Case("regularizer/info-context", info, CODED, codes=7),
    Case("regularizer/san", san, {"weight": 2.0}, D, held=True),
]
ELSEWHERE = {  # parts that these small networks have no place for, each with the test of its value
    "loss/began": "tests/architectures/test_autoencoder.py::"
    "test_the_balance_moves_k_after_an_update_and_both_are_reported",
    "regularizer/cutmix": "tests/losses/test_cutmix.py::test_terms_are_those_of_the_formula_with_their_gradients",
    "regularizer/reconstruction": "tests/architectures/test_fastgan.py::"
    "test_the_term_is_the_sum_of_distances_to_the_image_and_a_part_of_it",
    "regularizer/infomax": "tests/losses/test_infomax.py::test_the_loss_and_its_gradients_are_those_of_the_formula",
    "regularizer/pl": "tests/losses/test_path_length.py::test_lengths_are_those_of_finite_differences",
    "regularizer/pl-z": "tests/losses/test_path_length.py::test_lengths_are_those_of_finite_differences",
    "conditioning/unlabelled": "tests/layers/test_heads.py::test_unlabelled_keeps_labels_out_of_g",
    "conditioning/selfmod": "tests/layers/test_values.py::test_self_modulation_is_a_hidden_layer_of_noise_and_labels",
}
KINDS = ("loss", "conditioning", "regularizer")


def test_every_loss_head_and_regularizer_has_a_test_of_its_value(request: pytest.FixtureRequest) -> None:
    wanted = {entry.spelling for kind in KINDS for entry in registry().entries(kind) if entry.built_in}
    known = {case.word for case in FORMS} | ELSEWHERE.keys()
    assert wanted - known == set(), "add the formula to FORMS, or name the test of the value in ELSEWHERE"
    assert known - wanted == set(), "a part of that name is not registered"
    for place in ELSEWHERE.values():
        path, _, name = place.partition("::")
        assert f"def {name}(" in (request.config.rootpath / path).read_text("utf-8"), place


def made(case: Case, player: str) -> World:
    """The world of a case, with its part in it, before anything is computed."""
    kind = case.word.partition("/")[0]
    w = World(player, (case.word, case.options) if kind == "conditioning" else case.head, case.codes)
    if kind != "conditioning":
        w.parts = [part(case.word, **case.options)]
    if kind == "regularizer":
        w.parts[0].prepare({"G": w.G, "D": w.D})
    w.ready()
    if case.word == "regularizer/lecam":
        lecam = w.parts[0]
        lecam.real.fill_(0.4), lecam.fake.fill_(-0.2), lecam.rounds.fill_(3)
    if case.word == "regularizer/historical-average":
        past = w.parts[0]
        past.updates.fill_(3), past.mean_d.fill_(0.5), past.mean_g.fill_(0.5)
    if case.codes:
        w.z[:, Z:] = w.parts[0].draw(B, torch.Generator().manual_seed(0)).double()
    return w


def of_part(case: Case, w: World) -> Terms:
    """What the part gives, from a fixed seed; its state is used up."""
    torch.manual_seed(7)
    kind, _, name = case.word.partition("/")
    own = copy.copy(w.parts[0]) if w.parts else None
    columns = {id(w.parts[0]): slice(Z, None)} if case.codes else None
    if isinstance(own, Regularizer) and own.refines:
        ctx = w.context(columns, own.refine)
        return {**own.terms(ctx), "fakes": ctx.discriminate(ctx.fake).score.mean()}
    ctx = w.context(columns)
    if kind == "loss":
        return {"loss": own.discriminator(ctx) if w.player == "d" else own.generator(ctx)}
    if kind == "conditioning":
        return dict(w.D.conditioning.terms(ctx))
    terms = w.parts[0].terms(ctx)
    if name == "san":
        terms["hinge"] = part("loss/hinge").discriminator(ctx)
    return terms


CASES = [(case, player) for case in FORMS if case.form is not nothing for player in case.players]
NAMES = [f"{case.word.partition('/')[2]}-{player}-{number}" for number, (case, player) in enumerate(CASES)]


@pytest.fixture(autouse=True)
def precisely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts ask for float32 where training may be in less; here all is in more."""
    monkeypatch.setattr(Tensor, "float", lambda self: self)


@pytest.mark.parametrize(("case", "player"), CASES, ids=NAMES)
def test_terms_and_gradients_are_those_of_the_formula(case: Case, player: str) -> None:
    w = made(case, player)
    torch.manual_seed(7)
    wanted = case.form(w)
    got = of_part(case, w)
    assert got.keys() == wanted.keys()
    for name, term in wanted.items():
        assert got[name].item() == pytest.approx(term.item(), rel=1e-6, abs=1e-9), name
    ours, theirs = (
        torch.autograd.grad(sum(terms.values()), w.parameters, allow_unused=True, materialize_grads=True)
        for terms in (got, wanted)
    )
    assert any(slope.abs().max() > 1e-6 for slope in theirs)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize(
    ("case", "player"),
    [pair for pair in CASES if not pair[0].held],
    ids=[n for n, p in zip(NAMES, CASES, strict=True) if not p[0].held],
)
def test_gradients_are_those_of_finite_differences(case: Case, player: str) -> None:
    w = made(case, player)
    terms = of_part(case, w)
    slopes = torch.autograd.grad(sum(terms.values()), w.parameters, allow_unused=True, materialize_grads=True)
    torch.manual_seed(1)
    way = [torch.randn_like(parameter) for parameter in w.parameters]
    values = []
    for step in (1e-6, -1e-6):
        for parameter, toward in zip(w.parameters, way, strict=True):
            parameter.data.add_(toward, alpha=step)
        values.append(sum(of_part(case, w).values()).item())
        for parameter, toward in zip(w.parameters, way, strict=True):
            parameter.data.sub_(toward, alpha=step)
    rise = (values[0] - values[1]) / 2e-6
    along = sum((slope * toward).sum() for slope, toward in zip(slopes, way, strict=True))
    assert float(along) == pytest.approx(rise, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("case", [case for case in FORMS if case.score], ids=lambda case: case.word.partition("/")[2])
def test_scores_and_their_gradients_are_those_of_the_formula(case: Case) -> None:
    w = made(case, "d")
    ours = w.D(w.real, w.y_real).scores
    theirs = torch.stack([case.score(w, x, y) for x, y in zip(w.real, REAL, strict=True)])
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)
    weights = torch.arange(1.0, B + 1).double()
    slopes = (
        torch.autograd.grad(s @ weights, w.parameters, allow_unused=True, materialize_grads=True)
        for s in (ours, theirs)
    )
    for mine, other in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


UNMOVED = {
    "regularizer/cr": {"shift": 0, "flip": False},
    "regularizer/bcr": {"shift": 0, "flip": False},
    "regularizer/zcr": {"sigma": 0.0},
}


@pytest.mark.parametrize(("word", "options"), UNMOVED.items())
def test_consistency_of_what_is_not_perturbed_is_nothing(word: str, options: dict[str, object]) -> None:
    for player in ("d", "g") if word == "regularizer/zcr" else ("d",):
        w = made(Case(word, nothing, options, head=CLASSIFIED), player)
        assert all(term.item() == 0 for term in of_part(Case(word, nothing, options), w).values())


@pytest.mark.parametrize("word", UNMOVED)
def test_a_perturbed_image_never_takes_the_place_of_the_original(word: str) -> None:
    w = made(Case(word, nothing, head=CLASSIFIED), "d")
    ctx = w.context()
    before = [tensor.clone() for tensor in (ctx.real, ctx.fake, ctx.z, w.real, w.z)]
    seen = ctx.discriminate(ctx.real).scores, ctx.discriminate(ctx.fake).scores
    assert sum(term.item() for term in w.parts[0].terms(ctx).values()) > 0
    assert all(map(torch.equal, before, (ctx.real, ctx.fake, ctx.z, w.real, w.z)))
    assert ctx.discriminate(ctx.real).scores is seen[0] and ctx.discriminate(ctx.fake).scores is seen[1]


# --- torchgan, where it has the part -------------------------------------------------------------------------


@pytest.mark.parametrize("player", ["d", "g"])
def test_the_auxiliary_classifier_agrees_with_torchgan(player: str) -> None:
    other = pytest.importorskip("torchgan.losses.functional", reason="pip install --no-deps torchgan==0.1.0")
    case = Case("conditioning/ac", ac)
    w = made(case, player)
    terms, ctx = of_part(case, w), w.context()
    seen = {"class_real": (w.real, w.y_real, REAL), "class_fake": (ctx.fake, w.y_fake, FAKE)}
    for name, term in terms.items():
        x, y, classes = seen[name]
        theirs = other.auxiliary_classification_loss(w.D(x, y).extras["class_logits"], torch.tensor(classes))
        torch.testing.assert_close(term, theirs)


def test_codes_are_read_as_by_torchgan() -> None:
    other = pytest.importorskip("torchgan.losses.functional", reason="pip install --no-deps torchgan==0.1.0")
    case = Case("regularizer/info", info, {**CODED, "categorical": 1, "weight": 1.0, "weight_c": 1.0}, codes=4)
    w = made(case, "g")
    said = w.parts[0].reader(w.D(w.fake, w.y_fake).features)
    kinds = torch.distributions.OneHotCategorical(logits=said[:, :3])
    numbers = torch.distributions.Normal(said[:, 3], said[:, 4].exp())
    theirs = other.mutual_information_penalty(w.z[:, Z : Z + 3], w.z[:, -1], kinds, numbers, reduction="sum")
    torch.testing.assert_close(sum(of_part(case, w).values()), theirs)
