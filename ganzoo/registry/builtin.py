"""The parts that ganzoo ships, registered through the hooks that a stranger's package uses.

This table, with its pages for networks, presets, and data and scores, is the only place that names a concrete part.
Builds are import strings, so reading it imports no torch. Published scores are those of the named sources under their
own protocols; none was measured here.
"""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from typing import Any

from ganzoo.registry.builtin_data import register_datasets as register_datasets  # a hook of this module, too
from ganzoo.registry.builtin_data import register_features as register_features
from ganzoo.registry.builtin_data import register_metrics as register_metrics
from ganzoo.registry.builtin_data import register_samplers as register_samplers
from ganzoo.registry.builtin_foreign import register_converters as register_converters
from ganzoo.registry.builtin_networks import register_architectures as register_architectures
from ganzoo.registry.hookspecs import Register, hookimpl
from ganzoo.registry.presets import STUDIOGAN, fid
from ganzoo.registry.presets import register_presets as register_presets


@hookimpl
def register_normalizations(register: Register) -> None:
    register("bn", "ganzoo.layers.batch_norm:BatchNorm", across_batch=True, paper="arxiv:1502.03167")
    register(
        "cbn",
        "ganzoo.layers.batch_norm:conditional_batch_norm",
        sides=("g",),
        across_batch=True,
        requires={"label"},
        excludes={"context": "ccbn"},
        fallback="bn",
        paper="arxiv:1707.00683",
    )
    register(
        "ccbn",
        "ganzoo.layers.batch_norm:context_batch_norm",
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
    register("unlabelled", "ganzoo.layers.conditioning:Unlabelled", sides=("g", "d"))
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
        "pl-z": (
            "pl:LatentPathLength",
            "1912.04958",
            {"family": "path", "requires": {"noise"}, "across_batch": True},
        ),
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
