"""What the author of a part reads: the base classes of parts, and what they are handed in an update.

A class with only the methods that it needs is completed by the base class of its kind when it is built. A module with
``ganzoo_init = "own"`` keeps the weights that it gave itself, such as a last layer that starts at 0.

In a run of several processes each sees a slice of the global batch. A part that looks across the batch, or draws random
numbers for its images, does so through :func:`gather`, :func:`global_mean` and :func:`global_draw`.

``NOISE``, ``SOURCE`` and ``TEXT`` are the names of what samples are made from: noise ``(B, z_dim)``, images
``(B, C, H, W)`` in [-1, 1], and captions as bytes ``(B, 256)``.
"""

from ganzoo.distributed.batch import gather, global_draw, global_mean, world
from ganzoo.parts.augment import Augment
from ganzoo.parts.conditioning import Conditioning, LinearHead
from ganzoo.parts.context import NOISE, SOURCE, TEXT, Batch, Critic, TurnContext
from ganzoo.parts.exactness import accurate, as_weights, exact
from ganzoo.parts.freeze import frozen
from ganzoo.parts.loss import Loss, ScoreFunction
from ganzoo.parts.output import Encoding, Output
from ganzoo.parts.regularizer import Entrance, Regularizer
from ganzoo.parts.sampler import Sampler, ScoredGenerator
from ganzoo.schedules import (
    NotNegative,
    NotNegativeInt,
    NotNegativeNumber,
    Number,
    Positive,
    PositiveInt,
    Range,
    Share,
    number_at,
)

__all__ = [
    "NOISE",
    "SOURCE",
    "TEXT",
    "Augment",
    "Batch",
    "Conditioning",
    "Critic",
    "Encoding",
    "Entrance",
    "LinearHead",
    "Loss",
    "NotNegative",
    "NotNegativeInt",
    "NotNegativeNumber",
    "Number",
    "Output",
    "Positive",
    "PositiveInt",
    "Range",
    "Regularizer",
    "Sampler",
    "ScoreFunction",
    "ScoredGenerator",
    "Share",
    "TurnContext",
    "accurate",
    "as_weights",
    "exact",
    "frozen",
    "gather",
    "global_draw",
    "global_mean",
    "number_at",
    "world",
]
