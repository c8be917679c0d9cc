"""The small functions behind ``import ganzoo``: list, look up, make and load parts and models by name; directions."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from os import PathLike
from typing import TYPE_CHECKING, Any

from ganzoo.errors import UsageError, either, read_text, whole
from ganzoo.registry.arguments import known_arguments
from ganzoo.registry.loading import register_here, registry
from ganzoo.registry.lookup import MODELS, Entry, read_kind
from ganzoo.registry.recipe import KINDS

if TYPE_CHECKING:
    import torch

    from ganzoo.gan.gan import GAN
    from ganzoo.gan.labels import Label
    from ganzoo.gan.steering import Directions


def list(kind: str | None = None) -> builtins.list[str]:
    """Names of every registered part, or of those of one kind, such as ``"loss"``; of ``"models"``, the trained ones.

    Raises:
        UsageError: there is no such kind.
    """
    if kind in (MODELS, MODELS.removesuffix("s")):
        return list_models()
    return [entry.name for entry in registry().entries(None if kind is None else read_kind(kind))]


@known_arguments
def list_models(text: str = "") -> builtins.list[str]:
    """Trained models on this machine, as :func:`load` takes them: shipped ones, then those of the Hub's cache.

    Args:
        text: what their name or recipe has to hold, or a pattern of the name, with ``*`` for any letters and ``?`` for
            one; all of them by default. No network is asked.

    Example:
        >>> ganzoo.list_models("dcgan*")
        ['dcgan-cifar10', 'dcgan-mnist']
    """
    from ganzoo.hub.search import Question, on_this_machine

    pattern = text if set(read_text("text", text, "dcgan")) & set("*?[") else ""
    found = on_this_machine(Question("" if pattern else text))
    return [hit.ref for hit in found if not pattern or fnmatch(hit.ref.rpartition("/")[2], pattern)]


def info(name: str) -> Entry:
    """The part registered as ``name`` (or ``kind/name``): its build, declarations, options and origin.

    Raises:
        UnknownPart: with the nearest names.
    """
    return registry().find(name, KINDS)


def register(kind: str, name: str, part: Any = None, **declarations: Any) -> None:
    """Make a part known to this program by name, without a package: for a notebook, or a first try.

    Recipes, :func:`train`, :func:`evaluate` and :meth:`GAN.save` use it like any other part. Another program, and the
    command line, do not know it: a model in whose generator it stands loads only where the same part is registered
    too, and a warning says so when one is saved. ``ganzoo new-plugin`` writes a package, which others can install.

    Args:
        kind: such as ``"loss"``, ``"architecture"`` or ``"metric"``.
        name: in recipes; one that no other part of the kind has. One that this program registered is replaced.
        part: what makes it, as the hook of its kind takes it: a class or function, or the text of a preset.
        declarations: what it needs and brings, such as ``implies=("gp",)``, or ``generator=`` and ``discriminator=`` of
            an architecture; see :class:`ganzoo.Register`.

    Raises:
        UsageError: there is no such kind, or ganzoo or an installed package has a part of that name.
        PluginError: a declaration, or an option of the part, cannot be.

    Example:
        >>> ganzoo.register("loss", "mine", Mine)
        >>> ganzoo.train("dcgan+mine", data="digits", steps=200, out="runs/mine")
    """
    register_here(kind, name, part, **declarations)


def create(name: str, *context: Any, **options: Any) -> Any:
    """One part by name.

    Args:
        name: such as ``"hinge"`` or ``"normalization/gn"``.
        context: what ganzoo would hand it: nothing for losses and penalties, ``channels, y_dim`` for a
            normalization, ``channels`` for an attention, ``y_dim`` for a conditioning, a module for a weight,
            a :class:`ganzoo.Kit` for an architecture's network of that side.
        options: the part's own.

    Raises:
        UnknownPart: with the nearest names.
        UsageError: for an option that the part does not have, a value that it cannot take, or another context than
            its kind's.

    Example:
        >>> ganzoo.create("hinge").d(critic, real, fake)
    """
    entry = registry().find(name, KINDS)
    if entry.builders and not context:
        raise UsageError(
            f"{entry.spelling} brings networks, of which create makes one from a ganzoo.Kit; a GAN of them is"
            f" ganzoo.build({name!r})"
        )
    side = getattr(context[0], "side", None) if entry.builders and len(context) == 1 else None
    build = entry.load() if side is None else entry.load_side(side)
    known = entry.options(side, head=side is None)
    texts = {key: known[key].format(value) if key in known else str(value) for key, value in options.items()}
    given = entry.read_options(texts, side, head=side is None)
    try:
        inspect.signature(build).bind(*context, **given)
    except TypeError as error:
        raise UsageError(f"{entry.spelling} cannot be made of what was given: {error}; see ganzoo.create") from None
    return build(*context, **given)


@known_arguments
def load(
    ref: str | PathLike[str],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    revision: str | None = None,
    token: str | None = None,
    step: int | str | None = None,
    discriminator: bool = False,
) -> GAN:
    """A trained model, ready to sample. It needs no data set, and runs nothing that the model brings along.

    Args:
        ref: a folder as a path object or as text with ``.``, ``/`` or ``~`` in front; ``"org/name"`` or
            ``"org/name@revision"`` for a model of the Hugging Face Hub; a bare ``"name"`` for a model that a package
            ships, else for that of ``$GANZOO_ORG`` (``ganzoo-models``) on the Hub.
        device: where the weights go, such as ``"cuda"``.
        dtype: what the networks compute in: ``"float32"`` (the default), ``"bfloat16"`` or ``"float16"``.
        revision: branch, tag or commit of a model of the Hub.
        token: of the Hub, for a private model; that of ``hf auth login`` or ``HF_TOKEN`` by default.
        step: a step that a folder keeps, or ``"best"``; the model itself by default.
        discriminator: bring D, too, for :meth:`GAN.sample` with a sampler: of a run's folder, or of a model that was
            published with it (``ganzoo push --with-discriminator``).

    Raises:
        UsageError: for text that is not a reference, or an unknown dtype.
        HubError: the Hub does not have the model, or cannot be reached and the model is not in the cache.
        ModelError: for a model that is missing, torn or not to be trusted.

    Example:
        >>> ganzoo.load("my-org/sagan-cifar10@v1").sample(16, seed=0, output="pil")
    """
    from ganzoo.folder.layout import DISCRIMINATOR
    from ganzoo.gan.arguments import read_device
    from ganzoo.hub.locate import locate

    numbers, device = None if dtype is None else _dtype(dtype), str(read_device(device))  # before anything is fetched
    also = (DISCRIMINATOR,) if discriminator else ()
    gan = locate(ref, revision, token, also).load(device, step, discriminator)
    return gan if numbers is None else gan.to(numbers)


def directions(
    model: GAN | str | PathLike[str],
    *,
    method: str = "sefa",
    n: int = 8,
    space: str | None = None,
    layers: tuple[int, int] | None = None,
    at: str | None = None,
    samples: int | None = None,
    labels: Sequence[Label] | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Directions:
    """Directions of the noise, or of w, along which images of a model change most.

    Args:
        model: a GAN that takes noise; or a reference as :func:`load` takes it.
        method: ``"sefa"``, by the weights of the layers that take the latents (arXiv 2007.06600); or ``"ganspace"``, by
            principal components of features of draws (arXiv 2004.02546).
        n: how many at most.
        space: ``"z"`` or ``"w"``; w where there is one by default.
        layers: the first and the last: of w, which are moved; or, by SeFa without w, of those that take z.
        at: for GANSpace: the dotted name of the module of G whose features count.
        samples: for GANSpace: how many draws; 4096 by default.
        labels: of the images that are looked at, in turn; the model's own by default.
        device: where a model that is loaded goes.
        progress: for GANSpace: told how much is done, and of how much.

    Raises:
        UsageError: the model has no such space, layers or module, or nothing changes along them.

    Example:
        >>> gan = ganzoo.load("dcgan-mnist")
        >>> found = ganzoo.directions(gan)
        >>> gan.sample(8, seed=0, direction="d0=2", directions=found, output="pil")
        >>> found.save("mnist.safetensors")
    """
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.labels import one_for_each
    from ganzoo.visual.directions import DRAWS, METHODS, ganspace, sefa

    whole("n", n, 1)
    if method not in METHODS:
        raise UsageError(f"method={method!r} does not work: it is {either(METHODS)}")
    if method == "sefa" and (at is not None or samples is not None):
        raise UsageError(f"{'at' if at is not None else 'samples'} is of features: give method='ganspace', too")
    count = DRAWS if samples is None else whole("samples", samples, 16)
    gan = model if isinstance(model, GAN) else load(model, device)
    numbers = None if labels is None else gan.read_labels(one_for_each(labels))
    if method == "sefa":
        return sefa(gan, n, space, layers, labels=numbers)
    return ganspace(gan, n, space, layers, at=at, samples=count, labels=numbers, progress=progress)


def _dtype(dtype: str | torch.dtype) -> torch.dtype:
    """A dtype that networks can compute in, by name.

    Raises:
        UsageError: for any other.
    """
    from ganzoo.folder.weights import DTYPES

    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise UsageError(f"dtype={name!r} does not work: it is {either(DTYPES)}")
    return DTYPES[name]
