"""Batches go to a GPU by memory that is pinned once, and taken again only when its copy is done."""

import torch

from ganzoo.machine.pinned import SLOTS, PinnedRing

CPU = torch.device("cpu")


class Marked:
    """A place in the work of a device that notes what is asked of it."""

    def __init__(self, said):
        self.said, self.number = said, len({number for number, _ in said})
        said.append((self.number, "made"))

    def record(self):
        self.said.append((self.number, "record"))

    def synchronize(self):
        self.said.append((self.number, "wait"))


def ring():
    made, said = [], []

    def empty(shape, dtype):
        made.append((shape, dtype))
        return torch.empty(shape, dtype=dtype)

    return PinnedRing(empty, lambda: Marked(said)), made, said


def batch(number, rows=2):
    return {"image": torch.full((rows, 3), float(number)), "label": torch.full((rows,), number)}


def test_memory_is_made_once_for_each_slot_and_column():
    pinned, made, _ = ring()
    for number in range(3 * SLOTS):
        sent = pinned.send(batch(number), CPU)
        assert torch.equal(sent["image"], batch(number)["image"]) and torch.equal(sent["label"], batch(number)["label"])
    assert len(made) == 2 * SLOTS and set(made) == {((2, 3), torch.float32), ((2,), torch.int64)}


def test_a_slot_is_waited_for_before_it_is_written_again_and_marked_after_each_copy():
    pinned, _, said = ring()
    for number in range(SLOTS + 1):
        pinned.send(batch(number), CPU)
    assert said[: 2 * SLOTS] == [step for number in range(SLOTS) for step in ((number, "made"), (number, "record"))]
    assert said[2 * SLOTS :] == [(0, "wait"), (0, "record")]


def test_a_batch_of_another_size_gets_memory_of_its_own():
    pinned, made, _ = ring()
    for number in range(SLOTS):
        pinned.send(batch(number), CPU)
    assert pinned.send(batch(9, rows=5), CPU)["image"].shape == (5, 3)
    assert len(made) == 2 * SLOTS + 2


def test_what_is_on_a_device_already_takes_no_memory_of_the_host():
    pinned, made, _ = ring()
    there = torch.ones(2, 3, device="meta")
    assert pinned.send({"image": there}, torch.device("meta"))["image"] is there
    assert made == []
