"""The data sets that torchvision knows by name: found in the cache folder, or downloaded into it.

Each lives in ``<root>/<name>``; a root that torchvision itself has filled is found too. A download that breaks off
leaves a mark, so that the next try unpacks anew what torchvision would take for complete.
"""

from __future__ import annotations

import pickle
import socket
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData, choose_split, no_argument
from ganzoo.data.decode import UNREADABLE, why
from ganzoo.data.memory import ItemPictures
from ganzoo.errors import DataError, UsageError, either, nearest

Make = Callable[[Any, Path, str, bool], Any]
"""``make(torchvision.datasets, root, split, download)``."""

_FAILURES = (*UNREADABLE, AssertionError, ImportError, AttributeError, tarfile.TarError, pickle.UnpicklingError)
_MARK = ".incomplete"
_CHECKED = frozenset({".gz", ".zip", ".mat", ".txt"})  # torchvision checks these against their MD5 itself
_TIMEOUT = 30.0


@dataclass(frozen=True)
class _Known:
    name: str
    make: Make
    licence: str
    by_hand: str
    flip: bool = False
    splits: tuple[str, ...] = ("train", "test")
    resolution: int | None = None
    class_names: tuple[str, ...] = ()


def _by_train(name: str) -> Make:
    """For the classes that take ``train: bool``."""
    return lambda sets, root, split, download: getattr(sets, name)(root, train=split == "train", download=download)


def _by_split(name: str) -> Make:
    """For the classes that take ``split: str``."""
    return lambda sets, root, split, download: getattr(sets, name)(root, split=split, download=download)


_DIGITS = tuple("0123456789")
_IDX = "the four *-ubyte.gz files into {folder}/%s/raw"

_KNOWN: Mapping[str, _Known] = {
    known.name: known
    for known in (
        _Known(
            "cifar10",
            _by_train("CIFAR10"),
            "no licence stated; cite Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            "cifar-10-python.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html) into {folder}",
            flip=True,
        ),
        _Known(
            "cifar100",
            _by_train("CIFAR100"),
            "no licence stated; cite Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            "cifar-100-python.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html) into {folder}",
            flip=True,
        ),
        _Known(
            "mnist",
            _by_train("MNIST"),
            "CC BY-SA 3.0: LeCun, Cortes and Burges, the MNIST database",
            _IDX % "MNIST",
            class_names=_DIGITS,
        ),
        _Known(
            "fashionmnist",
            _by_train("FashionMNIST"),
            "MIT: Zalando SE",
            _IDX % "FashionMNIST",
        ),
        _Known(
            "svhn",
            _by_split("SVHN"),
            "non-commercial use only; cite Netzer et al. 2011",
            "{split}_32x32.mat (http://ufldl.stanford.edu/housenumbers/) into {folder}",
            splits=("train", "test", "extra"),
            class_names=_DIGITS,
        ),
        _Known(
            "stl10",
            _by_split("STL10"),
            "no licence stated, images from ImageNet; cite Coates, Ng and Lee 2011",
            "stl10_binary.tar.gz (https://cs.stanford.edu/~acoates/stl10/) into {folder}",
            flip=True,
            splits=("train", "test", "unlabeled", "train+unlabeled"),
        ),
        _Known(
            "celeba",
            _by_split("CelebA"),
            "non-commercial research only, no redistribution; cite Liu et al. 2015",
            "img_align_celeba.zip and its .txt lists (https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html) into "
            "{folder}/celeba",
            flip=True,
            splits=("train", "valid", "test", "all"),
            resolution=64,
        ),
    )
}


@contextmanager
def _impatient() -> Iterator[None]:
    """torchvision opens connections without a time limit; a network that swallows packets would hang for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _forget_unpacked(folder: Path) -> None:
    """Remove what a broken download unpacked; archives stay, as their checksums are checked."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty: an archive is in it
                path.rmdir()
        elif path.suffix not in _CHECKED and path.name != _MARK:
            path.unlink()


def _download(known: _Known, sets: Any, folder: Path, split: str) -> Any:
    mark = folder / _MARK
    if mark.exists():
        _forget_unpacked(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    with _impatient():
        found = known.make(sets, folder, split, True)
    mark.unlink()
    return found


def _find(known: _Known, split: str, root: Path) -> Any:
    """The torchvision data set, from ``root`` or from the network."""
    from torchvision import datasets as sets

    folder = root / known.name
    for place in (folder, root):
        if place.is_dir() and not (place / _MARK).exists():
            with suppress(*_FAILURES):
                return known.make(sets, place, split, False)
    try:
        return _download(known, sets, folder, split)
    except _FAILURES as error:
        by_hand = known.by_hand.format(folder=folder, split=split)
        raise DataError(
            f"cannot get {known.name} ({why(error)}); put {by_hand} by hand, or use data that is here: "
            "digits, a folder of images, or a .zip of them"
        ) from error


def _labels(found: Any) -> list[int] | None:
    values = getattr(found, "targets", getattr(found, "labels", None))
    numbers = None if values is None else [int(value) for value in values]
    return None if numbers is None or min(numbers, default=-1) < 0 else numbers


def _vision(name: str, split: str, request: DataRequest, suffix: str = "") -> ImageData:
    known = _KNOWN[name]
    found = _find(known, choose_split(name, split, known.splits), request.root)
    labels = _labels(found)
    classes = known.class_names or tuple(map(str, getattr(found, "classes", ())))
    return _gather(known, ItemPictures(found, name, labels, classes), request, suffix)


def _gather(known: _Known, pictures: ItemPictures, request: DataRequest, suffix: str = "") -> ImageData:
    return collect_pictures(
        pictures,
        request,
        name=known.name + suffix,
        licence=known.licence,
        flip=known.flip,
        resolution=known.resolution,
    )


def cifar10(argument: str, request: DataRequest) -> ImageData:
    """CIFAR-10: 50,000 small photographs, 32x32 RGB, ten classes (splits train, test)."""
    no_argument("cifar10", argument)
    return _vision("cifar10", request.split, request)


def cifar100(argument: str, request: DataRequest) -> ImageData:
    """CIFAR-100: 50,000 small photographs, 32x32 RGB, a hundred classes (splits train, test)."""
    no_argument("cifar100", argument)
    return _vision("cifar100", request.split, request)


def mnist(argument: str, request: DataRequest) -> ImageData:
    """MNIST: 60,000 handwritten digits, 28x28 grey, ten classes (splits train, test)."""
    no_argument("mnist", argument)
    return _vision("mnist", request.split, request)


def fashionmnist(argument: str, request: DataRequest) -> ImageData:
    """Fashion-MNIST: 60,000 pieces of clothing, 28x28 grey, ten classes (splits train, test); not mirrored."""
    no_argument("fashionmnist", argument)
    return _vision("fashionmnist", request.split, request)


def svhn(argument: str, request: DataRequest) -> ImageData:
    """Street View house numbers: 73,257 digits, 32x32 RGB, ten classes; svhn:extra has 531,131 easier ones."""
    return _vision("svhn", argument or request.split, request, f":{argument}" if argument else "")


def stl10(argument: str, request: DataRequest) -> ImageData:
    """STL-10: 5,000 photographs, 96x96 RGB, ten classes; stl10:unlabeled has 100,000 without labels."""
    return _vision("stl10", argument or request.split, request, f":{argument}" if argument else "")


def celeba(argument: str, request: DataRequest) -> ImageData:
    """CelebA: 162,770 aligned faces, 178x218 RGB, shown at 64x64; celeba:Smiling has that attribute as its label."""
    known = _KNOWN["celeba"]
    found = _find(known, choose_split("celeba", request.split, known.splits), request.root)
    if not argument:
        return _gather(known, ItemPictures(found, "celeba"), request)
    names = [name for name in found.attr_names if name]
    if argument not in names:
        raise UsageError(f"celeba has no attribute {argument!r}; nearest: {either(nearest(argument, names))}")
    labels = found.attr[:, names.index(argument)].tolist()
    pictures = ItemPictures(found, "celeba", labels, (f"not {argument}", argument))
    return _gather(known, pictures, request, f":{argument}")
