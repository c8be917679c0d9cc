"""The parts that ganzoo ships, registered through the hooks that a stranger's package uses.

This table, with its pages for presets and for data and scores, is the only place that names a concrete part. Builds
are import strings, so reading it imports no torch. Published scores are those of the named sources under their own
protocols; none was measured here.
"""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from typing import Any

from ganzoo.registry.builtin_data import register_datasets as register_datasets  # a hook of this module, too
from ganzoo.registry.builtin_data import register_features as register_features
from ganzoo.registry.builtin_data import register_metrics as register_metrics
from ganzoo.registry.builtin_data import register_samplers as register_samplers
from ganzoo.registry.hookspecs import Register, hookimpl
from ganzoo.registry.presets import MIMICRY, STUDIOGAN, fid
from ganzoo.registry.presets import register_presets as register_presets


def _sides(module: str) -> dict[str, str]:
    """What makes G and D, each by itself."""
    return {side: f"ganzoo.architectures.{module}:{side}" for side in ("generator", "discriminator")}


def _register_biggan(register: Register) -> None:
    """BigGAN and its deeper form, which share their training."""
    large = {
        "lr.g": 2e-4,
        "lr.d": 2e-4,
        "betas": "0.5/0.999",
        "repeat.d": 5,
        "init": "orthogonal",
        "ema": 0.9999,
        "ema.start": "1000",
    }
    register(
        "biggan",
        **_sides("biggan"),
        provides={"features", "maps", "non-square", "context"},
        implies=("ccbn@g", "sn", "sa", "projection@d", "hinge"),
        train=large | {f"z-dim@{4 << k}": 20 * (k + 1) for k in range(2, 8)},
        paper="arxiv:1809.11096",
        published=(fid(4.16, STUDIOGAN),),
    )
    register(
        "biggan-deep",
        **_sides("biggan_deep"),
        provides={"features", "maps", "non-square", "context"},
        implies=("ccbn@g", "sn", "sa", "projection@d", "hinge"),
        train=large,
        paper="arxiv:1809.11096",
    )


def _register_style_line(register: Register) -> None:
    """Progressive growing, and what grew out of it."""
    register(
        "pggan",
        **_sides("pggan"),
        game="ganzoo.gan.growing:GrowingGame",
        provides={"features", "maps", "non-square"},
        implies=("pixelnorm@g", "wgan", "drift"),
        train={"lr.g": 1e-3, "lr.d": 1e-3, "betas": "0/0.99", "repeat.d": 1, "z-dim": 512, "ema": 0.999},
        across_batch=True,
        paper="arxiv:1710.10196",
    )
    register(
        "stylegan",
        **_sides("stylegan"),
        game="ganzoo.architectures.stylegan:GrowingStyleGame",
        provides={"features", "maps", "non-square", "w", "context"},
        implies=("adain@g", "projection@d", "logistic", "r1:gamma=10"),
        train={"lr.g": 1e-3, "lr.d": 1e-3, "betas": "0/0.99", "z-dim": 512, "ema.halflife": "10k"},
        across_batch=True,
        paper="arxiv:1812.04948",
    )
    register(
        "stylegan2",
        **_sides("stylegan2"),
        provides={"features", "maps", "non-square", "w"},
        implies=("spd@d", "logistic", "r1:gamma=10,every=16,own.step=true"),
        train={
            "lr.g": 2.5e-3,
            "lr.d": 2.5e-3,
            "betas": "0/0.99",
            "z-dim": 512,
            "ema.halflife": "10k",
            "ema.ramp": 0.05,
        },
        across_batch=True,
        paper="arxiv:1912.04958",
    )
    register(
        "stylegan3",
        generator="ganzoo.architectures.stylegan3:generator",
        discriminator="ganzoo.architectures.stylegan2:discriminator",
        provides={"features", "maps", "non-square", "w"},
        implies=("spd@d", "logistic", "r1:gamma=2,every=16,own.step=true"),
        train={"lr.g": 2.5e-3, "lr.d": 2e-3, "betas": "0/0.99", "z-dim": 512, "ema.halflife": "10k", "ema.ramp": 0.05},
        across_batch=True,
        paper="arxiv:2106.12423",
    )


def _register_transformers(register: Register) -> None:
    """Networks of tokens."""
    register(
        "transgan",
        **_sides("transgan"),
        provides={"features", "maps", "non-square"},
        implies=("wgan", "gp", "drift", "diffaugment"),
        train={
            "lr.g": 1e-4,
            "lr.d": 1e-4,
            "betas": "0/0.99",
            "repeat.d": 4,
            "z-dim": 256,
            "init": "xavier",
            "ema.halflife": "500k",
            "ema.ramp": 0.1,
        },
        paper="arxiv:2102.07074",
        published=(fid(9.26, {"source": "TransGAN, paper", "protocol": "the paper's"}),),
    )
    register(
        "vitgan",
        **_sides("vitgan"),
        provides={"features", "maps", "non-square", "w"},
        implies=("isn@d", "projection@d", "logistic", "bcr", "diffaugment"),
        train={
            "lr.g": 2e-3,
            "lr.d": 2e-3,
            "betas": "0/0.99",
            "batch": 128,
            "z-dim": 512,
            "ema.halflife": "10k",
            "ema.ramp": 0.05,
        },
        paper="arxiv:2107.04589",
    )


@hookimpl
def register_architectures(register: Register) -> None:
    register(
        "gan",
        **_sides("gan"),
        provides={"features", "non-square"},
        paper="arxiv:1406.2661",
    )
    register(
        "dcgan",
        **_sides("dcgan"),
        provides={"features", "maps", "non-square"},
        implies=("bn",),
        train={"init": "normal"},
        paper="arxiv:1511.06434",
        published=(fid(48.29, STUDIOGAN),),
    )
    register(
        "sngan",
        **_sides("sngan"),
        provides={"features", "maps", "non-square"},
        implies=("bn@g", "sn@d", "hinge"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0/0.9", "repeat.d": 5},
        paper="arxiv:1802.05957",
        published=(fid(16.77, MIMICRY),),
    )
    register(
        "sndcgan",
        **_sides("sndcgan"),
        provides={"features", "maps", "non-square"},
        implies=("bn@g", "sn@d", "hinge"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.999", "init": "normal"},
        paper="arxiv:1802.05957",
    )
    register(
        "sagan",
        **_sides("sagan"),
        provides={"features", "maps", "non-square"},
        implies=("cbn@g", "sn", "sa", "projection", "hinge"),
        train={"lr.g": 1e-4, "lr.d": 4e-4, "betas": "0/0.9"},
        paper="arxiv:1805.08318",
        published=(fid(10.35, STUDIOGAN),),
    )
    _register_biggan(register)
    register(
        "r3gan",
        **_sides("r3gan"),
        provides={"features", "maps", "non-square"},
        implies=("bilinear@d", "relativistic", "r1:gamma=0.5", "r2:gamma=0.5"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0/0.99", "z-dim": 64, "ema": 0.999},
        paper="arxiv:2501.05441",
    )
    _register_style_line(register)
    _register_transformers(register)
    register(
        "fastgan",
        **_sides("fastgan"),
        provides={"features", "maps", "non-square", "encoding"},
        implies=("bn", "sn", "hinge", "reconstruction"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.999", "z-dim": 256, "ema": 0.999},
        paper="arxiv:2101.04775",
    )
    register(
        "lightweight-gan",
        **_sides("lightweight_gan"),
        provides={"features", "maps", "non-square", "encoding"},
        implies=(
            "bn@g",
            "linear:heads=8,width=64,local=3",
            "hinge",
            "regularizer/dragan:weight=2.5,c=0,every=4",
            "reconstruction:form=shuffled,distance=l2",
        ),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.9", "z-dim": 256, "ema": 0.995},
        paper="arxiv:2101.04775",
    )
    register(
        "autoencoder",
        **_sides("autoencoder"),
        provides={"reconstruction", "maps", "non-square"},
        implies=("began",),
        train={"z-dim": 64, "prior": "uniform", "betas": "0.5/0.999", "lr.g": 1e-4, "lr.d": 1e-4},
        paper="arxiv:1703.10717",
    )
    register(
        "projected",
        discriminator="ganzoo.architectures.projected:discriminator",
        provides={"features", "maps", "patches"},
        implies=("bn@d", "sn@d", "spd@d:width=64,layers=0"),
        train={"lr.d": 2e-4, "betas.d": "0/0.99", "repeat.d": 1},
        paper="arxiv:2111.01007",
    )
    register(
        "unet",
        discriminator="ganzoo.architectures.unet:discriminator",
        provides={"features", "maps", "non-square", "patches", "pixels"},
        implies=("sn@d", "projection@d"),
        train={"lr.d": 5e-4, "betas.d": "0/0.999", "repeat.d": 1},
        paper="arxiv:2002.12655",
    )


@hookimpl
def register_normalizations(register: Register) -> None:
    register("bn", "ganzoo.layers.norm:BatchNorm", across_batch=True, paper="arxiv:1502.03167")
    register(
        "cbn",
        "ganzoo.layers.norm:conditional_batch_norm",
        sides=("g",),
        across_batch=True,
        requires={"label"},
        excludes={"context": "ccbn"},
        fallback="bn",
        paper="arxiv:1707.00683",
    )
    register(
        "ccbn",
        "ganzoo.layers.norm:context_batch_norm",
        sides=("g",),
        across_batch=True,
        requires={"context"},
        fallback="bn",
        paper="arxiv:1809.11096",
    )
    styled: dict[str, Any] = {"sides": ("g",), "requires": {"context", "maps"}, "fallback": "in"}
    register("adain", "ganzoo.layers.adain:AdaIN", paper="arxiv:1812.04948", **styled)
    register("style", "ganzoo.layers.adain:StyleNorm", paper="arxiv:1912.04958", **styled)
    register("in", "ganzoo.layers.norm:InstanceNorm", requires={"maps"}, paper="arxiv:1607.08022")
    register("ln", "ganzoo.layers.norm:LayerNorm", paper="arxiv:1607.06450")
    register("gn", "ganzoo.layers.norm:GroupNorm", paper="arxiv:1803.08494")
    register("pixelnorm", "ganzoo.layers.norm:PixelNorm", paper="arxiv:1710.10196")


@hookimpl
def register_weights(register: Register) -> None:
    register("sn", "ganzoo.layers.weight:spectral_norm", implies=("normalization/none@d",), paper="arxiv:1802.05957")
    register("isn", "ganzoo.layers.weight:improved_spectral_norm", paper="arxiv:2107.04589")
    register("wn", "ganzoo.layers.weight:weight_norm", paper="arxiv:1602.07868")
    register("eqlr", "ganzoo.layers.weight:equalized_lr", paper="arxiv:1710.10196")
    register("mp", "ganzoo.layers.weight:magnitude_preserving", paper="arxiv:2312.02696")


@hookimpl
def register_attentions(register: Register) -> None:
    register("sa", "ganzoo.layers.attention:SelfAttention", paper="arxiv:1805.08318")
    register("se", "ganzoo.layers.timm_attention:squeeze_excite", paper="arxiv:1709.01507")
    register("cbam", "ganzoo.layers.timm_attention:cbam", across_batch=True, paper="arxiv:1807.06521")
    register("eca", "ganzoo.layers.timm_attention:eca", paper="arxiv:1910.03151")
    register("gc", "ganzoo.layers.timm_attention:global_context", paper="arxiv:1904.11492")
    register("linear", "ganzoo.layers.attention:LinearAttention", paper="arxiv:1812.01243")
    register("nl", "ganzoo.layers.timm_attention:non_local", across_batch=True, paper="arxiv:1711.07971")
    register("axial", "ganzoo.layers.axial:AxialAttention", paper="arxiv:1912.12180")
    register("window", "ganzoo.layers.window:WindowAttention", paper="arxiv:2103.14030")
    register("transformer", "ganzoo.layers.transformer:Transformer", paper="arxiv:2010.11929")


@hookimpl
def register_conditionings(register: Register) -> None:
    register("plain", "ganzoo.parts.conditioning:Conditioning", sides=("d",))
    register(
        "projection",
        "ganzoo.layers.conditioning:Projection",
        sides=("d",),
        requires={"label", "features"},
        fallback="plain",
        paper="arxiv:1802.05637",
    )
    register(
        "ac",
        "ganzoo.layers.conditioning:AuxiliaryClassifier",
        sides=("d",),
        requires={"label-class", "features"},
        fallback="plain",
        paper="arxiv:1610.09585",
    )
    register("unlabelled", "ganzoo.layers.conditioning:Unlabelled", sides=("g",))
    loss: tuple[str, ...] = ("multi-hinge",)
    # Their vectors lie on a sphere of each head's own: where there are several, no mean of them does.
    contrast: dict[str, Any] = {"across_batch": True, "within_class": True, "excludes": {"patches": "ac"}}
    heads: dict[str, tuple[str, str, dict[str, Any]]] = {
        "bilinear": ("bilinear:Bilinear", "2501.05441", {"requires": {"label", "features"}}),
        "spd": ("spd:MappedProjection", "2006.06676", {"requires": {"label", "features"}}),
        "tac": ("tac:TwinAuxiliaryClassifier", "1907.02690", {}),
        "adc": ("adc:DiscriminativeClassifier", "2107.10060", {}),
        "mh": ("mh:MultiHinge", "1912.04216", {"provides": {"fake-class"}, "implies": loss, "requires_parts": loss}),
        "md": ("md:MultipleDiscriminators", "1905.01723", {}),
        "2c": ("contragan:ConditionalContrastive", "2006.12681", contrast),
        "d2dce": ("reacgan:DataToDataCrossEntropy", "2111.01118", contrast),
    }
    for name, (build, paper, more) in heads.items():
        register(
            name,
            f"ganzoo.layers.heads.{build}",
            sides=("d",),
            **{"requires": {"label-class", "features"}, "fallback": "plain", "paper": f"arxiv:{paper}", **more},
        )
    register(
        "selfmod",
        "ganzoo.layers.conditioning:SelfModulation",
        sides=("g",),
        requires={"noise"},
        provides={"context"},
        implies=("ccbn@g",),
        paper="arxiv:1810.01365",
    )
    register(
        "onehot",
        "ganzoo.layers.conditioning:OneHot",
        aliases=("concat",),
        requires={"label"},
        fallback="plain",
        paper="arxiv:1411.1784",
    )


@hookimpl
def register_losses(register: Register) -> None:
    register("bce", "ganzoo.losses.adversarial.cross_entropy:BCE", paper="arxiv:1406.2661")
    register("minimax", "ganzoo.losses.adversarial.cross_entropy:Minimax", paper="arxiv:1406.2661")
    register("ls", "ganzoo.losses.adversarial.least_squares:LeastSquares", paper="arxiv:1611.04076")
    register("hinge", "ganzoo.losses.adversarial.hinge:Hinge", paper="arxiv:1705.02894")
    register(
        "multi-hinge",
        "ganzoo.losses.adversarial.multi_hinge:MultiHingeLoss",
        requires={"fake-class"},
        paper="arxiv:1912.04216",
    )
    register("logistic", "ganzoo.losses.adversarial.cross_entropy:Logistic", paper="arxiv:1801.04406")
    register(
        "wgan",
        "ganzoo.losses.adversarial.wasserstein:Wasserstein",
        implies=("gp", "normalization/none@d"),
        train={"repeat.d": 5},
        paper="arxiv:1701.07875",
    )
    register(
        "wgan-clip",
        "ganzoo.losses.adversarial.wasserstein:ClippedWasserstein",
        train={"repeat.d": 5, "optimizer": "rmsprop", "lr.g": 5e-5, "lr.d": 5e-5},
        paper="arxiv:1701.07875",
        published=(fid(107.68, STUDIOGAN),),
    )
    paired = {"fake-labels": "batch"}  # each real image stands against the fake of its label
    register(
        "relativistic",
        "ganzoo.losses.adversarial.relativistic:Relativistic",
        requires_settings=paired,
        paper="arxiv:1807.00734",
    )
    register(
        "relativistic-average",
        "ganzoo.losses.adversarial.relativistic:RelativisticAverage",
        across_batch=True,
        requires_settings=paired,
        paper="arxiv:1807.00734",
    )
    register("boundary-seeking", "ganzoo.losses.adversarial.boundary_seeking:BoundarySeeking", paper="arxiv:1702.08431")
    register("softmax", "ganzoo.losses.adversarial.softmax:Softmax", across_batch=True, paper="arxiv:1704.06191")
    register(
        "dual-contrastive",
        "ganzoo.losses.adversarial.dual_contrastive:DualContrastive",
        across_batch=True,
        paper="arxiv:2103.16748",
    )
    rebuilds = {"reconstruction"}
    register("energy", "ganzoo.losses.adversarial.energy:Energy", requires=rebuilds, paper="arxiv:1609.03126")
    register(
        "began",
        "ganzoo.losses.adversarial.energy:BEGAN",
        requires=rebuilds,
        across_batch=True,
        paper="arxiv:1703.10717",
    )


@hookimpl
def register_regularizers(register: Register) -> None:
    register("gp", "ganzoo.losses.regularizers.gp:GP", family="gradient", paper="arxiv:1704.00028")
    register("r1", "ganzoo.losses.regularizers.r1:R1", family="gradient", paper="arxiv:1801.04406")
    register("r2", "ganzoo.losses.regularizers.r1:R2", family="gradient", paper="arxiv:1801.04406")
    register(
        "dragan",
        "ganzoo.losses.regularizers.dragan:Dragan",
        family="gradient",
        across_batch=True,
        paper="arxiv:1705.07215",
    )
    register(
        "lecam",
        "ganzoo.losses.regularizers.lecam:LeCam",
        family="scores",
        across_batch=True,
        paper="arxiv:2104.03310",
    )
    more: dict[str, tuple[str, str, dict[str, Any]]] = {
        "maxgp": ("maxgp:MaxGP", "1902.05687", {"family": "gradient", "across_batch": True}),
        "r1-approx": ("r1_approx:ApproximateR1", "2501.08316", {"family": "gradient"}),
        "r2-approx": ("r1_approx:ApproximateR2", "2501.08316", {"family": "gradient"}),
        "cr": ("cr:CR", "1910.12027", {"family": "consistency"}),
        "bcr": ("icr:BalancedCR", "2002.04724", {"family": "consistency"}),
        "zcr": ("icr:LatentCR", "2002.04724", {"family": "consistency", "requires": {"noise"}}),
        "lo": ("lo:LatentOptimisation", "1912.00953", {"family": "latent", "requires": {"noise"}}),
        "fm": ("fm:FeatureMatching", "1606.03498", {"family": "features", "across_batch": True}),
        "cutmix": (
            "cutmix:CutMix",
            "2002.12655",
            {"family": "consistency", "requires": {"pixels"}, "requires_settings": {"fake-labels": "batch"}},
        ),
        "drift": ("drift:Drift", "1710.10196", {"family": "scores"}),
        "ortho": ("ortho:Ortho", "1809.11096", {"family": "weights"}),
        "info": ("info:Info", "1606.03657", {"family": "info", "requires": {"features", "noise"}}),
        "info-context": (
            "info:InfoContext",
            "1606.03657",
            {"family": "info", "requires": {"features", "noise"}, "provides": {"context"}, "implies": ("ccbn@g",)},
        ),
        "pl": ("pl:PathLength", "1912.04958", {"family": "path", "requires": {"w"}, "across_batch": True}),
        "pl-z": ("pl:LatentPathLength", "1912.04958", {"family": "path", "across_batch": True}),
        "san": ("san:SAN", "2301.12811", {"family": "direction"}),
        "reconstruction": (
            "reconstruction:Reconstruction",
            "2101.04775",
            {
                "family": "reconstruction",
                "sides": ("d",),
                "requires": {"encoding"},
                "fallback": "none",
                "across_batch": True,
            },
        ),
        "infomax": (
            "infomax:InfoMax",
            "2007.04589",
            {"family": "information", "requires": {"features", "maps"}, "across_batch": True},
        ),
        "rotation": ("rotation:Rotation", "1811.11212", {"family": "rotation", "requires": {"features"}}),
        "wgan-div": ("wgan_div:WassersteinDivergence", "1712.01026", {"family": "gradient"}),
        "pull-away": ("pull_away:PullAway", "1609.03126", {"family": "features", "across_batch": True}),
        "vicreg": ("vicreg:VICReg", "2105.04906", {"family": "features", "across_batch": True}),
        "historical-average": ("historical_average:HistoricalAverage", "1606.03498", {"family": "weights"}),
    }
    for name, (build, paper, declared) in more.items():
        register(name, f"ganzoo.losses.regularizers.{build}", paper=f"arxiv:{paper}", **declared)


@hookimpl
def register_augments(register: Register) -> None:
    register("top-k", "ganzoo.augments.top_k:TopK", across_batch=True, paper="arxiv:2002.06224")
    register("diffaugment", "ganzoo.augments.diffaugment:DiffAugment", paper="arxiv:2006.10738")
    register("blur", "ganzoo.augments.blur:Blur", paper="arxiv:2106.12423")
    # Their probability follows the batches of D's updates.
    register("ada", "ganzoo.augments.ada.pipe:ADA", across_batch=True, paper="arxiv:2006.06676")
    register("apa", "ganzoo.augments.apa:APA", across_batch=True, requires={"noise"}, paper="arxiv:2111.06849")
