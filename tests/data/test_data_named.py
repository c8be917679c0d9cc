"""The data sets of torchvision, LSUN and the Hub, on files in their own formats that the tests write; no network."""

import gzip
import pickle
import struct
import sys
import tarfile
import types
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets as sets

from ganzoo.data import DataRequest, open_data
from ganzoo.errors import DataError, UsageError
from ganzoo.registry.loading import registry


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def trusting(monkeypatch):
    """torchvision takes any existing file for the published one."""
    from pathlib import Path

    for module in (sets.cifar, sets.mnist, sets.svhn, sets.celeba, sets.stl10, sets.utils):
        monkeypatch.setattr(module, "check_integrity", lambda path, md5=None: Path(path).is_file(), raising=False)


RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def write_cifar(folder, pixels, labels, hundred=False):
    """As https://www.cs.toronto.edu/~kriz/cifar.html describes it."""
    base = folder / ("cifar-100-python" if hundred else "cifar-10-batches-py")
    base.mkdir(parents=True)
    names = ["train", "test"] if hundred else [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    key = "fine_labels" if hundred else "labels"
    for number, name in enumerate(names):
        content = {"data": pixels[number].reshape(len(pixels[number]), -1), key: labels[number].tolist()}
        (base / name).write_bytes(pickle.dumps(content))
    key, count = ("fine_label_names", 100) if hundred else ("label_names", 10)
    meta = {key: [f"class {number}" for number in range(count)]}
    (base / ("meta" if hundred else "batches.meta")).write_bytes(pickle.dumps(meta))
    return base


def write_idx(raw, kind, pixels, labels, packed=False):
    """As http://yann.lecun.com/exdb/mnist/ describes it."""
    raw.mkdir(parents=True, exist_ok=True)
    for name, magic, values in (("images-idx3", 2051, pixels), ("labels-idx1", 2049, labels)):
        content = struct.pack(f">I{values.ndim}I", magic, *values.shape) + values.astype(np.uint8).tobytes()
        if packed:
            (raw / f"{kind}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
        else:
            (raw / f"{kind}-{name}-ubyte").write_bytes(content)


def pixels_of(data):
    return data.images.fetch(torch.arange(data.count)).numpy()


def test_cifar10(tmp_path, trusting):
    pixels, labels = noise(6, 3, 3, 32, 32), RNG.integers(0, 10, (6, 3))
    write_cifar(tmp_path / "cifar10", pixels, labels)
    data = open_data("cifar10", DataRequest(root=tmp_path))
    assert (pixels_of(data) == pixels[:5].reshape(15, 3, 32, 32)).all()
    assert (data.labels.numpy() == labels[:5].reshape(-1)).all()
    assert data.class_names[7] == "class 7" and data.flip and "Krizhevsky" in data.licence
    test = open_data("cifar10", DataRequest(root=tmp_path, split="test"))
    assert (pixels_of(test) == pixels[5]).all()
    with pytest.raises(UsageError, match="no split 'valid'"):
        open_data("cifar10", DataRequest(root=tmp_path, split="valid"))
    with pytest.raises(UsageError, match="nothing after the colon"):
        open_data("cifar10:cats", DataRequest(root=tmp_path))


def test_cifar100(tmp_path, trusting):
    write_cifar(tmp_path / "cifar100", noise(2, 4, 3, 32, 32), RNG.integers(0, 100, (2, 4)), hundred=True)
    data = open_data("cifar100", DataRequest(root=tmp_path))
    assert data.count == 4 and len(data.class_names) == 100 and data.flip


@pytest.mark.parametrize("name, folder", [("mnist", "MNIST"), ("fashionmnist", "FashionMNIST")])
def test_idx_files(tmp_path, trusting, name, folder):
    pixels, labels = noise(7, 28, 28), RNG.integers(0, 10, 7)
    for kind in ("train", "t10k"):
        write_idx(tmp_path / name / folder / "raw", kind, pixels, labels)
    data = open_data(name, DataRequest(root=tmp_path))
    assert (pixels_of(data)[:, 0] == pixels).all() and (data.labels.numpy() == labels).all()
    assert data.resolution == 28 and data.channels == 1 and not data.flip and len(data.class_names) == 10


def test_svhn(tmp_path, trusting):
    from scipy.io import savemat

    pixels = noise(32, 32, 3, 5)
    (tmp_path / "svhn").mkdir()
    for part in ("train", "extra"):
        savemat(tmp_path / "svhn" / f"{part}_32x32.mat", {"X": pixels, "y": np.array([[1], [10], [3], [9], [2]])})
    data = open_data("svhn", DataRequest(root=tmp_path))
    assert data.labels.tolist() == [1, 0, 3, 9, 2] and not data.flip and data.class_names[0] == "0"
    assert (pixels_of(data) == pixels.transpose(3, 2, 0, 1)).all()
    assert open_data("svhn:extra", DataRequest(root=tmp_path)).name == "svhn:extra"


def test_stl10(tmp_path, trusting):
    base = tmp_path / "stl10" / "stl10_binary"
    base.mkdir(parents=True)
    pixels = noise(4, 3, 96, 96)
    pixels.tofile(base / "train_X.bin")
    pixels.tofile(base / "unlabeled_X.bin")
    np.array([1, 10, 3, 2], dtype=np.uint8).tofile(base / "train_y.bin")
    for other in ("test_X.bin", "test_y.bin", "fold_indices.txt"):
        (base / other).write_bytes(b"")
    (base / "class_names.txt").write_text("\n".join(f"class {number}" for number in range(10)))
    data = open_data("stl10", DataRequest(root=tmp_path))
    assert data.labels.tolist() == [0, 9, 2, 1] and data.resolution == 96 and data.flip
    assert (pixels_of(data) == pixels.transpose(0, 1, 3, 2)).all()  # stored column by column
    assert open_data("stl10:unlabeled", DataRequest(root=tmp_path)).labels is None


@pytest.fixture
def faces(tmp_path, trusting):
    base = tmp_path / "celeba" / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names):
        Image.new("RGB", (178, 218), (0, 60 * number, 0)).save(base / "img_align_celeba" / name, quality=95)
    rows = {
        "list_eval_partition.txt": ("", "0 0 1 0"),
        "identity_CelebA.txt": ("", "7 8 9 7"),
        "list_bbox_celeba.txt": ("4\nimage_id x y w h\n", "1 1 1 1"),
        "list_landmarks_align_celeba.txt": ("4\nx y\n", "1 1 1 1"),
        "list_attr_celeba.txt": ("4\nSmiling \n", "-1 1 1 1"),
    }
    for name, (header, values) in rows.items():
        lines = [f"{face} {value}" for face, value in zip(names, values.split(), strict=True)]
        (base / name).write_text(header + "\n".join(lines) + "\n")
    return tmp_path


def test_celeba(faces):
    data = open_data("celeba", DataRequest(root=faces))
    assert data.count == 3 and data.resolution == 64 and data.native == (218, 178) and data.flip
    assert data.provides == {"image"} and "non-commercial" in data.licence
    assert [round(value / 60) for value in pixels_of(data)[:, 1, 32, 32].tolist()] == [0, 1, 3]


def test_an_attribute_of_celeba_is_its_label(faces):
    data = open_data("celeba:Smiling", DataRequest(root=faces))
    assert data.labels.tolist() == [0, 1, 1] and data.class_names == ("not Smiling", "Smiling")
    with pytest.raises(UsageError, match="nearest: Smiling"):
        open_data("celeba:Smilling", DataRequest(root=faces))


def test_a_root_that_torchvision_filled_is_found(tmp_path, trusting):
    write_cifar(tmp_path, noise(6, 2, 3, 32, 32), RNG.integers(0, 10, (6, 2)))
    assert open_data("cifar10", DataRequest(root=tmp_path)).count == 10


OFFLINE = ["cifar10", "cifar100", "mnist", "fashionmnist", "svhn", "stl10", "celeba"]


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_the_error_says_what_to_do(tmp_path, name):
    with pytest.raises(DataError, match=f"cannot get {name} ") as caught:
        open_data(name, DataRequest(root=tmp_path))
    message = str(caught.value)
    assert str(tmp_path / name) in message and "by hand" in message and "that is here: digits" in message
    assert "\n" not in message


def test_an_archive_put_there_by_hand_is_unpacked(tmp_path, trusting):
    base = write_cifar(tmp_path / "made", noise(6, 2, 3, 32, 32), RNG.integers(0, 10, (6, 2)))
    (tmp_path / "cifar10").mkdir()
    with tarfile.open(tmp_path / "cifar10" / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(base, base.name)
    assert open_data("cifar10", DataRequest(root=tmp_path)).count == 10


def test_a_download_that_broke_off_does_not_break_the_next_try(tmp_path, trusting):
    raw = tmp_path / "mnist" / "MNIST" / "raw"
    pixels, labels = noise(3, 28, 28), np.arange(3)
    for kind in ("train", "t10k"):
        write_idx(raw, kind, pixels, labels, packed=True)
    whole = (raw / "t10k-images-idx3-ubyte.gz").read_bytes()
    (raw / "t10k-images-idx3-ubyte.gz").write_bytes(whole[:100])
    with pytest.raises(DataError, match="cannot get mnist"):  # unpacks some files and stops at the broken one
        open_data("mnist", DataRequest(root=tmp_path))
    assert (raw / "train-images-idx3-ubyte").exists()
    (raw / "train-images-idx3-ubyte").write_bytes(b"half")  # torchvision would take it for complete
    (raw / "t10k-images-idx3-ubyte.gz").write_bytes(whole)
    assert (pixels_of(open_data("mnist", DataRequest(root=tmp_path)))[:, 0] == pixels).all()


def test_a_root_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot get cifar10"):
        open_data("cifar10", DataRequest(root=tmp_path / "file"))


# LSUN


class FakeLmdb(types.ModuleType):
    """As much of lmdb as reading takes; the folder of an environment holds one file per key."""

    Error = OSError

    def open(self, folder, **options):
        from pathlib import Path

        values = {path.name.encode(): path.read_bytes() for path in sorted(Path(folder).iterdir())}

        class Transaction:
            def __enter__(self):
                return self

            def __exit__(self, *error):
                return None

            def cursor(self):
                return types.SimpleNamespace(iternext=lambda keys, values: iter(every))

            def get(self, key):
                return values[key]

        every = list(values)
        return types.SimpleNamespace(begin=Transaction)


def test_lsun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", FakeLmdb("lmdb"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "lsun" / "church_outdoor_val_lmdb"
    folder.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (300, 256), (0, 0, 80 * number)).save(folder / f"key{number}", format="WEBP", lossless=True)
    data = open_data("lsun:church_outdoor", DataRequest(root=tmp_path, split="test"))
    assert data.count == 3 and data.resolution == 64 and data.flip and data.name == "lsun:church_outdoor"
    assert pixels_of(data)[:, 2, 0, 0].tolist() == [0, 80, 160]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lsun"]


def test_lsun_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"bedroom_train_lmdb\.zip .* into .*lsun.*that is here: digits"):
        open_data("lsun", DataRequest(root=tmp_path))
    with pytest.raises(UsageError, match="nearest: kitchen"):
        open_data("lsun:kitchn", DataRequest(root=tmp_path))
    (tmp_path / "bedroom_train_lmdb").mkdir()
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(DataError, match=r"ganzoo-core\[lsun\]>=0\.2"):
        open_data("lsun", DataRequest(root=tmp_path))


# the Hub


class ClassLabel:
    def __init__(self, names):
        self.names = names


Feature = type("Image", (), {})
Value = type("Value", (), {})


class Rows:
    """A data set of the ``datasets`` library, as far as ganzoo looks."""

    info = types.SimpleNamespace(license="mit")

    def __init__(self, labels, features):
        self.labels, self.features = labels, features

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.labels
        return {"id": key, "picture": Image.new("L", (16, 16), key * 50), "label": self.labels[key]}


@pytest.fixture
def hub(monkeypatch):
    """A fake ``datasets`` module; the fixture is what ``load_dataset`` was called with."""
    calls = []
    module = types.ModuleType("datasets")
    features = {"id": Value(), "picture": Feature(), "coarse": ClassLabel(["x"]), "label": ClassLabel(["even", "odd"])}

    def load_dataset(name, split):
        calls.append((name, split))
        if split == "nowhere":
            raise ValueError('Unknown split "nowhere". Should be one of ["train", "test"].')
        if name == "org/text":
            return Rows([0, 1], {"text": Value()})
        return Rows([-1] * 4 if split == "test" else [0, 1, 0, 1], features)

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return calls


def test_the_columns_of_a_hub_data_set_are_found(hub):
    data = open_data("hf:org/name")
    assert hub == [("org/name", "train")]
    assert data.labels.tolist() == [0, 1, 0, 1] and data.class_names == ("even", "odd")
    assert pixels_of(data)[:, 0, 0, 0].tolist() == [0, 50, 100, 150]
    assert (data.name, data.licence, data.channels, data.flip) == ("hf:org/name", "mit", 1, False)


def test_a_split_of_a_hub_data_set_whose_labels_are_withheld(hub):
    assert open_data("hf:org/name:test").labels is None
    assert hub == [("org/name", "test")]


@pytest.mark.parametrize(
    "text, error, message",
    [
        ("hf:org/name:nowhere", DataError, "Unknown split"),
        ("hf:org/text", DataError, "no column of images; its columns: text"),
        ("hf:name", UsageError, "write hf:org/name"),
        ("hf", UsageError, "write hf:org/name"),
    ],
)
def test_what_a_hub_data_set_cannot_be(hub, text, error, message):
    with pytest.raises(error, match=message) as caught:
        open_data(text)
    assert "\n" not in str(caught.value)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'ganzoo-core\[hf\]>=0\.2'"):
        open_data("hf:org/name")


@pytest.mark.parametrize("entry", registry().entries("dataset"), ids=lambda entry: entry.name)
def test_every_registered_data_set_can_be_loaded_and_described(entry):
    assert callable(entry.load()) and entry.summary and "image" in entry.provides
