"""Train another library's GAN for so many minutes, as its own code does, and write what it draws for ``ganzoo eval``.

    python -m ganzoo_peers.rival pytorch-example dcgan --data cifar10-train.zip --minutes 30 --out rival
    ganzoo eval rival --data cifar10-test.zip --split test -n 10000 --features tf_efficientnet_lite0.in1k

Its images are decoded before its time begins, and lie in memory: no slower than its own loader would hand them over.
Learning rates stay as they begin: torch-mimicry's fall over 100,000 steps, far more than such a training has.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import click
import torch
from PIL import Image
from torch import Tensor

from ganzoo import GanzooError, UsageError
from ganzoo.cli.kit import DATA, PATH, SKIP_BAD, PeerTraining, Workload, check_peer, find_peer, prepare_peer, say
from ganzoo.data import DataRequest, ImageData, open_data, prefetch

BATCH = 64  # what every peer's own scripts take on CIFAR-10


@click.command()
@click.argument("peer")
@click.argument("architecture")
@click.option("--data", type=DATA, required=True, metavar="D", help="Images of 32 px, as ganzoo train takes them.")
@click.option("--minutes", type=click.FloatRange(min=0), required=True, help="Of training.")
@click.option("--out", type=PATH, required=True, help="A new folder for the images.")
@click.option("-n", "count", default=10_000, show_default=True, help="Images to draw.")
@click.option("--z-dim", default=128, show_default=True, help="Length of the noise; 100 in the PyTorch example.")
@SKIP_BAD
def rival(
    peer: str, architecture: str, data: str, minutes: float, out: Path, count: int, z_dim: int, skip_bad: bool
) -> None:
    """Train PEER's ARCHITECTURE, then draw; 'ganzoo bench --help' lists the peers."""
    try:
        check_peer(peer, architecture, classes=1)  # what no data could change, before any is read
        if out.exists():
            raise UsageError(f"{out} is there already: give a new folder with --out")
        opened = open_data(data, DataRequest(resolution=32, skip_bad=skip_bad))
        classes = len(opened.class_names) if find_peer(peer).architectures[architecture].conditional else 0
        check_peer(peer, architecture, classes)
        out.mkdir(parents=True)
        torch.manual_seed(0)
        real, labels = torch.empty(BATCH, opened.channels, 32, 32), torch.zeros(BATCH, dtype=torch.long)
        workload = Workload(real, labels, classes, z_dim)
        training = prepare_peer(peer, architecture, workload)
    except (GanzooError, OSError) as error:
        raise click.ClickException(str(error)) from error
    steps, spent = train(training, workload, opened, 60 * minutes)
    for first in range(0, count, BATCH):
        save(training.draw(min(BATCH, count - first)), out, first)
    told = {"peer": peer, "head": architecture, "steps": steps, "minutes": round(spent / 60, 2), "images": count}
    say(json.dumps(told))


def train(training: PeerTraining, workload: Workload, data: ImageData, seconds: float) -> tuple[int, float]:
    """Take steps until the time is over; the one that is being taken then is finished.

    Args:
        training: of the peer.
        workload: what it was prepared for; each update's batch is put there.
        data: where batches come from, in an order that a seed fixes.
        seconds: to train for.

    Returns:
        The steps (updates of G) that were taken, and the seconds that they took.
    """
    steps, begun = 0, time.monotonic()
    with closing(prefetch(data.stream(BATCH, seed=0, flip=False), 0, 10**9)) as batches:
        while time.monotonic() - begun < seconds:
            for update in range(training.updates):
                batch = next(batches)
                workload.real.copy_(batch["image"])
                if workload.classes:
                    workload.labels.copy_(batch["label"])
                (training.step if update == training.updates - 1 else training.critic)()
            steps += 1
            if steps % 100 == 0:
                say(f"step {steps}, {(time.monotonic() - begun) / 60:.1f} min")
    return steps, time.monotonic() - begun


def save(images: Tensor, folder: Path, first: int) -> None:
    """Write images ``(n, C, 32, 32)`` in [-1, 1] as PNGs that are numbered from ``first``."""
    pixels = ((images.float() + 1) * 127.5).round().clamp(0, 255).byte()
    for number, planes in enumerate(pixels.permute(0, 2, 3, 1).numpy(), start=first):
        Image.fromarray(planes.squeeze(2) if planes.shape[2] == 1 else planes).save(folder / f"{number:05d}.png")


if __name__ == "__main__":
    rival()
