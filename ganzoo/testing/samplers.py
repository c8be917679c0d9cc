"""Checks of samplers, on a small model with a discriminator."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.gan.builder import build
from ganzoo.gan.sampling import Sampling, scored_generator
from ganzoo.parts.complete import complete
from ganzoo.parts.sampler import Sampler
from ganzoo.registry.entry import Entry
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect

COUNT, SIDE, REALS = 3, 16, 8


def check_sampler(entry: Entry) -> None:
    """Finite noise of the shape that it was given, the same every time, of each image whatever its batch."""
    gan = build("dcgan:ch=2", resolution=SIDE, channels=1, z_dim=4).eval()
    model = scored_generator(gan)
    for options in variants(entry):
        sampler: Sampler = complete(entry.load()(**options), Sampler, entry.name)
        expect(
            isinstance(sampler.reals, int) and sampler.reals >= 0, entry, "says how many reals it is calibrated with"
        )
        if sampler.reals:
            rng = torch.Generator().manual_seed(0)
            with torch.no_grad():
                sampler.calibrate(model, torch.randn(REALS, generator=rng), rng)
        work = Sampling(sampler, model)
        inputs = gan.inputs(COUNT, seed=0)
        found = _noise(work, inputs)
        expect(found.shape == inputs["z"].shape, entry, f"gives noise of the shape {tuple(inputs['z'].shape)}")
        expect(bool(found.isfinite().all()), entry, "gives finite noise")
        expect(torch.equal(found, _noise(work, inputs)), entry, "gives the same noise again")
        alone = _noise(work, inputs, batch=1)
        expect(torch.allclose(alone, found, atol=1e-3), entry, "gives an image alone the noise that it has in a batch")


def _noise(work: Sampling, inputs: dict[str, Tensor], batch: int = COUNT) -> Tensor:
    return work(inputs, seed=0, batch=batch)["z"]
