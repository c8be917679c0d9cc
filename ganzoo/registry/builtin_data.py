"""Built-in data sets, what scores models (metrics, and the networks that they look through), and samplers."""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from ganzoo.registry.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    labelled, plain = {"image", "label", "label-class"}, {"image"}
    # Small batches and quick learning: a readable grid in a minute on two cores.
    quick = {"batch": 32, "lr.g": 5e-4, "lr.d": 1e-3}
    register("digits", "ganzoo.data.digits:digits", provides=labelled, train=quick)
    for name in ("cifar10", "cifar100", "mnist", "fashionmnist", "svhn"):
        register(name, f"ganzoo.data.torchvision:{name}", provides=labelled)
    register("celeba", "ganzoo.data.torchvision:celeba", provides=plain)
    register("stl10", "ganzoo.data.torchvision:stl10", provides=labelled)
    register("lsun", "ganzoo.data.lsun:lsun", provides=plain)
    register("hf", "ganzoo.data.hf:hf", provides=labelled)


@hookimpl
def register_metrics(register: Register) -> None:
    moments, features = {"moments"}, {"features"}
    register("fid", "ganzoo.metrics.distances:FID", requires=moments, aliases=("fd",), paper="arxiv:1706.08500")
    register(
        "clean-fid",
        "ganzoo.metrics.distances:CleanFID",
        requires=moments,
        aliases=("clean-fd",),
        paper="arxiv:2104.11222",
    )
    register(
        "intra-fid",
        "ganzoo.metrics.distances:IntraFID",
        requires={"label-class", "class-moments"},
        aliases=("intra-fd",),
        paper="arxiv:1802.05637",
    )
    register(
        "fid-infinity",
        "ganzoo.metrics.distances:FIDInfinity",
        requires={"moments", "nested-moments"},
        aliases=("fd-infinity",),
        paper="arxiv:1911.07023",
    )
    register("kid", "ganzoo.metrics.kernel:KID", requires=features, paper="arxiv:1801.01401")
    register("is", "ganzoo.metrics.distances:InceptionScore", requires={"probabilities"}, paper="arxiv:1606.03498")
    register("prdc", "ganzoo.metrics.manifold:PRDC", requires=features, paper="arxiv:2002.09797")
    register(
        "pr",
        "ganzoo.metrics.manifold:PrecisionRecall",
        requires=features,
        aliases=("precision", "recall"),
        paper="arxiv:1904.06991",
    )
    register(
        "dc",
        "ganzoo.metrics.manifold:DensityCoverage",
        requires=features,
        aliases=("density", "coverage"),
        paper="arxiv:2002.09797",
    )
    pairs = {"pairs"}
    register("l1", "ganzoo.metrics.paired:L1", requires=pairs)
    register("psnr", "ganzoo.metrics.paired:PSNR", requires=pairs)
    register("ssim", "ganzoo.metrics.paired:SSIM", requires=pairs, paper="doi:10.1109/TIP.2003.819861")
    register("lpips", "ganzoo.metrics.paired:LPIPS", requires=pairs, paper="arxiv:1801.03924")
    model = {"model"}
    register(
        "gan-test",
        "ganzoo.metrics.gan_test:GANTest",
        requires=model,
        aliases=("classes-covered",),
        paper="arxiv:1807.09499",
    )
    register(
        "gan-train", "ganzoo.metrics.gan_test:GANTrain", requires=model, aliases=("cas",), paper="arxiv:1905.10887"
    )
    register("ms-ssim", "ganzoo.metrics.variety:PairSimilarity", requires=model, paper="arxiv:1610.09585")
    register("swd", "ganzoo.metrics.variety:SlicedWasserstein", requires=model, paper="arxiv:1710.10196")
    register(
        "ppl",
        "ganzoo.metrics.path_length:PathLength",
        requires=model,
        aliases=("ppl-z", "ppl-w"),
        paper="arxiv:1812.04948",
    )
    register(
        "eq-t",
        "ganzoo.metrics.equivariance:TranslationEquivariance",
        requires=model,
        aliases=("eq-t-frac", "eqt"),
        paper="arxiv:2106.12423",
    )
    register(
        "eq-r",
        "ganzoo.metrics.equivariance:RotationEquivariance",
        requires=model,
        aliases=("eqr",),
        paper="arxiv:2106.12423",
    )


@hookimpl
def register_features(register: Register) -> None:
    register("inception-v3-compat", "ganzoo.metrics.inception:inception", paper="arxiv:1512.00567")
    register("timm", "ganzoo.metrics.image_models:image_model", provides={"names"})


@hookimpl
def register_samplers(register: Register) -> None:
    register("ddls", "ganzoo.samplers.ddls:DDLS", paper="arxiv:2003.06060")
    register("drs", "ganzoo.samplers.drs:DRS", paper="arxiv:1810.06758")
