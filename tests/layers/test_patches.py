"""A head at every place of a map, and several heads in one output."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ganzoo.layers.conditioning import AuxiliaryClassifier, Projection
from ganzoo.layers.patches import PatchHead, together
from ganzoo.parts import Conditioning, Output


def test_without_labels_it_is_a_convolution() -> None:
    head, x = PatchHead(Conditioning(0), 3, (2, 4)), torch.randn(2, 3, 5, 6)
    weight, bias = head.head.score.weight.reshape(1, 3, 2, 4), head.head.score.bias
    output = head(x, torch.zeros(2, 0))
    torch.testing.assert_close(output.scores, F.conv2d(x, weight, bias).flatten(1))
    torch.testing.assert_close(output.features, x.mean((2, 3)))


def test_each_place_has_the_label_of_its_image() -> None:
    head, x, y = PatchHead(Projection(3), 4), torch.randn(2, 4, 2, 3), torch.eye(3)[[2, 0]]
    scores = head(x, y).scores
    for i in range(2):
        for at, place in enumerate(x[i].flatten(1).T):
            wanted = head.head(place[None], y[i : i + 1]).scores[0]
            torch.testing.assert_close(scores[i, at], wanted)


def test_extras_are_means_over_places_and_over_heads() -> None:
    head, x, y = PatchHead(AuxiliaryClassifier(3), 4), torch.randn(2, 4, 2, 3), torch.eye(3)[[2, 0]]
    one = head(x, y)
    torch.testing.assert_close(one.extras["class_logits"], head.head.classifier(x.mean((2, 3))))
    other = Output(torch.zeros(2), torch.ones(2, 5), {"class_logits": torch.zeros(2, 3)})
    both = together([one, other])
    assert [tuple(scores.shape) for scores in both.scores] == [(2, 6), (2,)] and both.features.shape == (2, 9)
    torch.testing.assert_close(both.extras["class_logits"], one.extras["class_logits"] / 2)
