"""Train another library's GAN for so many minutes, as its own code does, and write what it draws for ``ganzoo eval``.

    python .ci/rival.py pytorch-example dcgan --data cifar10-train.zip --minutes 30 --out rival
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

from ganzoo.data import DataRequest, open_data, prefetch
from ganzoo.errors import GanzooError, UsageError
from ganzoo.files.atomic import make_folder
from ganzoo.images import to_pil, to_uint8
from ganzoo.training.peers import CONDITIONAL, PEERS, Job, check, prepare

BATCH = 64  # what every peer's own scripts take on CIFAR-10


@click.command()
@click.argument("peer", type=click.Choice(sorted(PEERS)))
@click.argument("head")
@click.option("--data", required=True, metavar="D", help="Images of 32 px, as ganzoo train takes them.")
@click.option("--minutes", type=click.FloatRange(min=0), required=True, help="Of training.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder for the images.")
@click.option("-n", "count", default=10_000, show_default=True, help="Images to draw.")
@click.option("--z-dim", default=128, show_default=True, help="Length of the noise; 100 in the PyTorch example.")
def rival(peer: str, head: str, data: str, minutes: float, out: Path, count: int, z_dim: int) -> None:
    """Train PEER's architecture HEAD, then draw."""
    try:
        check(peer, head, classes=1)  # what no data could change, before any is read
        if out.exists():
            raise UsageError(f"{out} is there already: give a new folder with --out")
        opened = open_data(data, DataRequest(resolution=32))
        classes = len(opened.class_names) if (peer, head) in CONDITIONAL else 0
        check(peer, head, classes)
        make_folder(out)
        torch.manual_seed(0)
        real, labels = torch.empty(BATCH, opened.channels, 32, 32), torch.zeros(BATCH, dtype=torch.long)
        what = prepare(peer, head, Job(real, labels, classes, z_dim))
    except GanzooError as error:
        raise click.ClickException(str(error)) from error
    steps, begun = 0, time.monotonic()
    with closing(prefetch(opened.stream(BATCH, seed=0, flip=False), 0, 10**9)) as batches:
        while time.monotonic() - begun < 60 * minutes:
            for update in range(what.updates):
                batch = next(batches)
                real.copy_(batch["image"])
                if classes:
                    labels.copy_(batch["label"])
                (what.step if update == what.updates - 1 else what.critic)()
            steps += 1
            if steps % 100 == 0:
                print(f"step {steps}, {(time.monotonic() - begun) / 60:.1f} min", flush=True)
    spent = time.monotonic() - begun
    for first in range(0, count, BATCH):
        images = what.draw(min(BATCH, count - first))
        for number, picture in enumerate(to_pil(to_uint8(images, low=-1)), start=first):
            picture.save(out / f"{number:05d}.png")
    print(json.dumps({"peer": peer, "head": head, "steps": steps, "minutes": round(spent / 60, 2), "images": count}))


if __name__ == "__main__":
    rival()
