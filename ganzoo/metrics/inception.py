"""The 2015 Inception graph, on which FID is defined, as torch-fidelity has it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from ganzoo.metrics import weights
from ganzoo.metrics.extractor import Extractor, FeatureRequest

PIXELS = 299
TRUNK = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool"),
)


class _Untrained(FeatureExtractorInceptionV3):
    """torch-fidelity's network as it is before its constructor loads weights, which it would unpickle."""

    loading = True

    def __init__(self) -> None:
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        super().__init__("inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=nothing)
        self.loading = False

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Nothing while the constructor runs; then as any module does."""
        return None if self.loading else super().load_state_dict(state_dict, strict, assign)


class InceptionGraph(nn.Module):
    """From images ``(B, 3, 299, 299)`` in [0, 255] to pooled features ``(B, 2048)`` and logits ``(B, 1008)``.

    The logits have no bias, as Inception Scores of the TensorFlow original do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network: nn.Module = _Untrained()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``(B, 2048)`` and logits ``(B, 1008)``."""
        x = (x - 128) / 128
        for name in TRUNK:
            x = getattr(self.network, name)(x)
        features = x.flatten(1)
        fc: Any = self.network.fc
        return features, features @ fc.weight.T


def inception(request: FeatureRequest) -> Extractor:
    """The 2015 Inception graph, on which FID is defined."""
    state = None if request.untrained else weights.read_state(weights.inception_weights(request.weights))
    graph = InceptionGraph()
    if state is not None:
        graph.network.load_state_dict(weights.fitted(state, graph.network.state_dict(), request.name))
    return Extractor(
        module=graph,
        pixels=PIXELS,
        pretrained=state is not None,
        sha256=weights.INCEPTION_SHA256 if state else weights.content_digest(graph.network.state_dict()),
        resize="tf1-bilinear",
        classifies=True,
    )
