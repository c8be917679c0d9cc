"""Batches are a pure function of (seed, index)."""

import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.data import ImageData, Stream, prefetch
from ganzoo.data.images import MemoryImages
from ganzoo.errors import DataError, UsageError

sizes = st.integers(2, 13)
batches = st.integers(1, 30)
seeds = st.integers(0, 2**63)
indices = st.integers(0, 200)


def numbered(count, labelled=True):
    """Image k is filled with k, but its left column is 255: a mirrored image shows it on the right."""
    pixels = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 3, 3)
    pixels[..., 0] = 255
    return MemoryImages(pixels), torch.arange(count) if labelled else None


def stream(count, batch, seed, flip=False):
    return Stream(*numbered(count), batch, seed, flip)


def middle(batch):
    """Which images a batch holds, by their middle column."""
    return ((batch["image"][:, 0, 0, 1] + 1) * 127.5).round().long().tolist()


@given(sizes, batches, seeds)
def test_every_epoch_is_a_permutation(count, batch, seed):
    source = stream(count, batch, seed)
    seen = [number for index in range(3 * count) for number in middle(source.batch(index))]
    for epoch in range(len(seen) // count):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == list(range(count))


@given(sizes, batches, seeds, indices)
def test_a_batch_does_not_depend_on_what_was_asked_before(count, batch, seed, index):
    used = stream(count, batch, seed, flip=True)
    for earlier in (3, 0, index + 7):
        used.batch(earlier)
    fresh = stream(count, batch, seed, flip=True).batch(index)
    again = used.batch(index)
    assert torch.equal(fresh["image"], again["image"]) and torch.equal(fresh["label"], again["label"])


@given(sizes, batches, seeds, indices)
def test_flips_mirror_images_and_nothing_else(count, batch, seed, index):
    straight = stream(count, batch, seed).batch(index)
    flipped = stream(count, batch, seed, flip=True).batch(index)
    assert torch.equal(straight["label"], flipped["label"])
    for before, after in zip(straight["image"], flipped["image"], strict=True):
        assert torch.equal(before, after) or torch.equal(before.flip(2), after)


def test_about_half_are_flipped_and_the_data_stays_as_it_was():
    images, labels = numbered(200)
    source, before = Stream(images, labels, 200, 1, flip=True), images.pixels.clone()
    flipped = sum((source.batch(index)["image"][:, 0, 0, 2] == 1).sum().item() for index in range(5))
    assert 430 < flipped < 570
    assert torch.equal(images.pixels, before)


def test_batches_are_floats_from_minus_one_to_one_with_int64_labels():
    images = MemoryImages(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1))
    batch = Stream(images, torch.tensor([4, 5]), 2, 0).batch(0)
    assert batch["image"].dtype == torch.float32 and batch["label"].dtype == torch.int64
    assert dict(zip(batch["label"].tolist(), batch["image"].flatten().tolist(), strict=True)) == {4: -1.0, 5: 1.0}


def test_without_labels_a_batch_has_none():
    assert set(Stream(*numbered(4, labelled=False), 2, 0).batch(0)) == {"image"}


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = {tuple(middle(stream(50, 50, seed).batch(epoch))) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(UsageError, match="at least 1"):
        stream(3, 0, 0)


def test_the_data_set_decides_about_flips_unless_told():
    data = ImageData("x", numbered(3)[0], flip=True)
    assert data.stream(2, 0).flip and not data.stream(2, 0, flip=False).flip


@given(st.integers(0, 5), st.integers(0, 6))
@settings(deadline=None, max_examples=20)
def test_prefetch_hands_out_the_same_batches(start, length):
    source = stream(5, 3, seed=2, flip=True)
    ahead = list(prefetch(stream(5, 3, seed=2, flip=True), start, start + length))
    assert len(ahead) == length
    for index, batch in enumerate(ahead, start):
        assert torch.equal(batch["image"], source.batch(index)["image"])


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "ganzoo-prefetch"]


class Counting:
    """Counts the batches asked for, and fails at one of them."""

    def __init__(self, fail_at=None):
        self.asked = 0
        self.fail_at = fail_at

    def batch(self, index):
        self.asked += 1
        if index == self.fail_at:
            raise OSError("the disk is gone")
        return {"image": torch.full((1, 1, 1, 1), float(index))}


def test_prefetch_stays_at_most_three_batches_ahead_and_ends_when_closed():
    source = Counting()
    ahead = prefetch(source, 0, 1000)
    next(ahead)
    time.sleep(0.2)
    assert 1 < source.asked <= 4
    ahead.close()
    assert not threads()


def test_what_goes_wrong_in_the_thread_is_raised_in_its_turn():
    ahead = prefetch(Counting(fail_at=2), 0, 5)
    assert [next(ahead)["image"].item() for _ in range(2)] == [0.0, 1.0]
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)
    assert not threads()


@given(sizes, batches, seeds, indices)
def test_paired_columns_stay_with_their_images(count, batch, seed, index):
    images, labels = numbered(count)
    paired = {"source": MemoryImages(255 - images.pixels), "text": torch.arange(count) * 10}
    together = Stream(images, labels, batch, seed, flip=True, paired=paired).batch(index)
    assert torch.allclose(together["source"], -together["image"], atol=1e-6)  # mirrored alike, too
    assert torch.equal(together["text"], together["label"] * 10)
    alone = Stream(images, labels, batch, seed, flip=True).batch(index)
    assert torch.equal(alone["image"], together["image"])


@given(sizes, sizes, batches, seeds)
def test_unpaired_images_have_epochs_of_their_own(count, others, batch, seed):
    source = Stream(numbered(count)[0], None, batch, seed, unpaired={"a": numbered(others)[0]})
    seen = [n for index in range(3 * others) for n in middle({"image": source.batch(index)["a"]})]
    for epoch in range(len(seen) // others):
        assert sorted(seen[epoch * others : (epoch + 1) * others]) == list(range(others))


def test_columns_are_declared_checked_and_fingerprinted():
    images, labels = numbered(4)
    plain = ImageData("plain", images, labels)
    paired = ImageData("paired", images, labels, paired={"source": images})
    unpaired = ImageData("unpaired", images, labels, unpaired={"a": numbered(3)[0]})
    assert paired.provides == {"image", "label", "label-class", "source", "pairs"}
    assert unpaired.provides == {"image", "label", "label-class", "a"}
    assert len({plain.fingerprint, paired.fingerprint, unpaired.fingerprint}) == 3
    with pytest.raises(DataError, match="3 of source"):
        ImageData("bad", images, labels, paired={"source": numbered(3)[0]})


@given(sizes, sizes, batches, seeds, indices)
def test_unpaired_labels_stay_with_their_images(count, others, batch, seed, index):
    source, labels = numbered(others)
    unpaired = {"source": source, "source_label": labels}
    together = Stream(*numbered(count), batch, seed, flip=True, unpaired=unpaired).batch(index)
    assert together["source_label"].tolist() == middle({"image": together["source"]})
    alone = Stream(*numbered(count), batch, seed, flip=True, unpaired={"source": source}).batch(index)
    assert all(torch.equal(alone[key], together[key]) for key in alone)


def test_unpaired_labels_need_images_of_their_own():
    images, labels = numbered(4)
    data = ImageData("good", images, unpaired={"source": images, "source_label": labels})
    assert data.provides == {"image", "source", "source_label"}
    with pytest.raises(DataError, match="4 of source and 3 of source_label"):
        ImageData("bad", images, unpaired={"source": images, "source_label": labels[:3]})
    with pytest.raises(DataError, match="go with no images"):
        ImageData("bad", images, unpaired={"source": images, "label": labels})
