"""Classics with a third network or a game of their own: encoders, coupled networks, clusters, hidden labels.

``aae``, ``bigan``, ``clustergan`` and ``vae-gan`` also encode images, ``cogan`` draws two domains at once, and ``sgan``
learns to name classes from a few labels. Builds are import strings, so that listing them imports no torch.
"""

from __future__ import annotations

import ganzoo

G_E_D = {"G": "g", "E": "g", "D": "d"}


@ganzoo.hookimpl
def register_architectures(register: ganzoo.Register) -> None:
    """Six systems, each with its game."""
    register(
        "aae",
        "ganzoo_classics.aae:aae",
        networks=G_E_D,
        game="ganzoo_classics.aae:CodeGame",
        provides={"features", "non-square"},
        train={"z-dim": 8},
        paper="arxiv:1511.05644",
    )
    register(
        "bigan",
        "ganzoo_classics.bigan:bigan",
        networks=G_E_D,
        game="ganzoo_classics.bigan:PairGame",
        provides={"features", "maps", "non-square"},  # its noise is judged too: parts that change it would not know
        implies=("bn",),
        train={"z-dim": 50, "prior": "uniform", "init": "normal"},
        paper="arxiv:1605.09782",
    )
    register(
        "clustergan",
        "ganzoo_classics.clustergan:clustergan",
        networks=G_E_D,
        game="ganzoo_classics.clustergan:ClusterGame",
        provides={"features", "maps", "non-square"},
        implies=("bn@g", "wgan"),
        train={"z-dim": 30, "lr.g": 1e-4, "lr.d": 1e-4, "betas": "0.5/0.9", "repeat.d": 5, "init": "normal"},
        paper="arxiv:1809.03627",
    )
    register(
        "cogan",
        "ganzoo_classics.cogan:cogan",
        networks={"G": "g", "D": "d", "E": "d"},
        game="ganzoo_classics.cogan:CoupledGame",
        provides={"features", "maps", "non-square", "noise"},
        implies=("bn",),
        train={"z-dim": 100, "prior": "uniform", "init": "normal"},
        paper="arxiv:1606.07536",
    )
    register(
        "sgan",
        "ganzoo_classics.sgan:sgan",
        game="ganzoo_classics.sgan:SemiSupervisedGame",
        requires={"label-class"},
        provides={"features", "maps", "non-square", "noise"},
        implies=("bn", "kplus1@d"),
        train={"z-dim": 100, "init": "normal"},
        paper="arxiv:1606.01583",
    )
    register(
        "vae-gan",
        "ganzoo_classics.vae_gan:vae_gan",
        networks={"G": "g", "D": "d", "E": "e@g"},
        game="ganzoo_classics.vae_gan:SimilarityGame",
        provides={"features", "maps", "non-square", "noise"},
        implies=("bn",),
        train={"z-dim": 32, "init": "normal"},
        paper="arxiv:1512.09300",
    )


@ganzoo.hookimpl
def register_conditionings(register: ganzoo.Register) -> None:
    """A classifier with one class more, of fakes."""
    register(
        "kplus1",
        "ganzoo_classics.sgan:OneClassMore",
        sides=("d",),
        requires={"label-class", "features"},
        fallback="plain",
        across_batch=True,
        paper="arxiv:1606.01583",
    )


@ganzoo.hookimpl
def register_datasets(register: ganzoo.Register) -> None:
    """Labelled data of which most labels are hidden."""
    register("few-labels", "ganzoo_classics.few_labels:few_labels", provides={"image", "label", "labelled"})


@ganzoo.hookimpl
def register_metrics(register: ganzoo.Register) -> None:
    """What such models are for, measured."""
    register("reconstruction-error", "ganzoo_classics.metrics:ReconstructionError", requires={"model"})
    register("clusters", "ganzoo_classics.metrics:ClustersFound", requires={"model"}, paper="arxiv:1809.03627")
    register("class-accuracy", "ganzoo_classics.metrics:ClassAccuracy", requires={"model"}, paper="arxiv:1606.01583")
    register("pair-error", "ganzoo_classics.metrics:PairError", requires={"model"}, paper="arxiv:1606.07536")
