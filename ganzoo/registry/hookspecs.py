"""The hooks of plugins, one per kind of part, all of one shape: ``def register_losses(register)``.

A hook calls ``register(name, build, **declarations)`` once for each part that it brings. Built-in parts come
through the same hooks as those of a stranger's package.
"""

from __future__ import annotations

from typing import Any, Protocol

import pluggy

from ganzoo.registry.recipe import KINDS

PLUGIN_API = 1  # raised when a plugin written for the previous number could break

hookspec = pluggy.HookspecMarker("ganzoo")
hookimpl = pluggy.HookimplMarker("ganzoo")


class Register(Protocol):
    """Called by a hook once per part; declarations are the fields of ``ganzoo.registry.entry.Entry``."""

    def __call__(self, name: str, build: Any = None, **declarations: Any) -> None:
        """Register one part of the hook's kind under ``name``.

        Args:
            name: its bare name in recipes.
            build: what makes it, or ``"module:Name"`` of that.
            declarations: ``implies`` parts that come with it; ``requires`` and ``provides`` keys (``label label-class
                label-multilabel label-continuous image source target text features maps noise context w
                sites:N non-square``): a trunk that makes a context for its norms provides ``context``, and a game of
                its own whose G is given noise ``noise``, as the usual game's always is; ``excludes`` keys, each
                with the part to use instead; ``fallback`` where the needs of an implied part are not met, ``none`` to
                do without it;
                ``train`` settings, and ``requires_settings`` and ``requires_parts`` that it works with alone;
                ``family``, ``paper``, ``aliases``, ``sides``, ``across_batch`` (it looks across the batch) and
                ``within_class`` (there it compares images of one class); of an architecture ``generator
                discriminator networks game published``.
        """


@hookspec
def register_architectures(register: Register) -> None:
    """Networks: ``generator=`` and ``discriminator=``, each ``(kit: Kit, *, options)``, or one of them.

    Networks that belong together come from one ``build(g: Kit, d: Kit, *, options)``, which returns them by name, such
    as ``{"G": ..., "D": ...}``; ``networks=`` says which there are, and whose.
    """


@hookspec
def register_normalizations(register: Register) -> None:
    """Classes ``(channels, c_dim, *, options)`` of modules called ``norm(x, c)``, with a context ``(B, c_dim)``."""


@hookspec
def register_weights(register: Register) -> None:
    """Functions ``(module, *, options)`` that reparametrise ``module.weight`` in place."""


@hookspec
def register_attentions(register: Register) -> None:
    """Classes ``(channels, *, options)`` of modules called ``attn(x)``."""


@hookspec
def register_conditionings(register: Register) -> None:
    """Subclasses of ``ganzoo.Conditioning``: how labels enter a network."""


@hookspec
def register_losses(register: Register) -> None:
    """Classes ``(*, options)`` with what they need of ``ganzoo.parts.Loss``.

    That is ``d(critic, real, fake)`` and ``g(critic, real, fake)``, or ``discriminator(ctx)`` and ``generator(ctx)``.
    """


@hookspec
def register_regularizers(register: Register) -> None:
    """Classes ``(*, options)`` with what they need of ``ganzoo.parts.Regularizer``, such as ``terms(ctx)``.

    Gradient penalties, consistency, path length, latent optimisation, and objectives with parameters of their own.
    """


@hookspec
def register_penalties(register: Register) -> None:
    """Regularizers as 0.1.0 wrote them: called ``(critic, real, fake)``, or with ``penalise(ctx)``."""


@hookspec
def register_auxiliaries(register: Register) -> None:
    """Regularizers as 0.1.0 wrote them: with ``player``, ``every`` and ``terms(ctx)``."""


@hookspec
def register_augments(register: Register) -> None:
    """Classes ``(*, options)`` with what they need of ``ganzoo.parts.Augment``, such as ``images(x, ctx)``."""


@hookspec
def register_datasets(register: Register) -> None:
    """Functions ``(argument, request: DataRequest)`` that return ``ImageData``."""


@hookspec
def register_metrics(register: Register) -> None:
    """Classes ``(*, options)`` called ``metric(real, fake)`` with two ``ganzoo.metrics.Sample``: numbers by name.

    ``requires`` says what they look at: ``moments``, ``class-moments``, ``nested-moments``, ``features``,
    ``probabilities``, ``pairs``, ``label``. With ``model`` the class is a :class:`ganzoo.metrics.Experiment`, called
    with the model itself and the data. See :mod:`ganzoo.metrics`.
    """


@hookspec
def register_features(register: Register) -> None:
    """Networks that metrics look at images through: ``(request: FeatureRequest, *, options)`` gives an ``Extractor``.

    ``provides={"names"}`` says that it also opens networks of names that no part has. See
    :mod:`ganzoo.metrics.extractor`.
    """


@hookspec
def register_samplers(register: Register) -> None:
    """Classes ``(*, options)`` with what they need of ``ganzoo.parts.Sampler``: noise by what D says of its images."""


@hookspec
def register_converters(register: Register) -> None:
    """Subclasses of ``ganzoo.foreign.Converter``: what makes models of the files that another project saved."""


@hookspec
def register_presets(register: Register) -> None:
    """Names of recipes: ``register("lsgan", "dcgan+ls")``."""


HOOKS = {
    kind: f"register_{plural}"
    for kind, plural in zip(
        KINDS,
        (
            "architectures",
            "normalizations",
            "weights",
            "attentions",
            "conditionings",
            "losses",
            "regularizers",
            "augments",
            "datasets",
            "metrics",
            "features",
            "samplers",
            "converters",
            "presets",
        ),
        strict=True,
    )
}

OLD_HOOKS = {"penalty": "register_penalties", "auxiliary": "register_auxiliaries"}
"""Hooks of version 0.1.0, by the kind that they registered: parts that come through them are regularizers now."""
