"""The five documents that the project began with, and what in ganzoo does what each of them does."""

from __future__ import annotations

from dataclasses import dataclass

OPENING = """\
# The documents that ganzoo began with

Five write-ups by students and hobbyists, read before the first line of ganzoo was written, asked for everything that version
0.1 had to do. Here is each system that they name: the commands that train it today, what that costs, what they reported, and
what to expect. **Their numbers are theirs**: other code, other networks for FID, other numbers of images.

{how}"""


@dataclass(frozen=True)
class System:
    """One system of a document.

    Attributes:
        name: of it.
        about: what the document does with it.
        commands: that do it here.
        expect: what to expect, beyond what models of the zoo say.
        theirs: numbers that the document reports.
        models: of the zoo, trained so or nearly so.
        recipe, steps, size: what the cost is counted of; no recipe where it is not counted.
        takes: what it costs, in words, where it is not counted.
    """

    name: str
    about: str
    commands: tuple[str, ...]
    expect: str = ""
    theirs: str = ""
    models: tuple[str, ...] = ()
    recipe: str = ""
    steps: int = 0
    size: int = 32
    takes: str = ""


@dataclass(frozen=True)
class Document:
    """One document: what it is called, what it is, and its systems."""

    title: str
    about: str
    systems: tuple[System, ...]


_KERAS = Document(
    "General Adversarial Networks (a DCGAN and an unfinished SAGAN in Keras)",
    "Saves G every 1,000 iterations, scores the saved generators afterwards, and draws both networks.",
    (
        System(
            "DCGAN on CIFAR-10, scored afterwards",
            "74,000 iterations; `--keep` keeps the weights of checkpoints, to be scored or drawn later.",
            (
                "ganzoo train dcgan --data cifar10 --steps 74000 --save-every 1000 --keep 74 --out runs/dcgan",
                "ganzoo eval runs/dcgan --data cifar10 --split test --metrics fid -n 10000",
                "ganzoo build dcgan --draw dcgan.svg",
                "ganzoo sample runs/dcgan -n 64 --seed 0 --out grid.png",
            ),
            "StudioGAN's DCGAN reaches 48 to 49 by its own protocol and then gets worse: `--guard rollback` or "
            "`--eval-every` keeps the best step",
            "an average FID of 292.54 over 74,000 iterations, which fell in the first few thousand and then stayed",
            ("dcgan-cifar10",),
            "dcgan",
            74_000,
        ),
        System(
            "SAGAN with attention where one wants it",
            "Self-attention between the 16 and 32 pixel maps of G, spectral norm on both networks, two learning rates.",
            (
                "ganzoo train sagan+sn+hinge+sa@16,32 --data cifar10 --set lr.g=1e-4 --set lr.d=4e-4 --out runs/sagan",
                "ganzoo attention runs/sagan --out attention.png",
            ),
            models=("sagan-cifar10",),
            recipe="sagan+sn+hinge+sa@16,32",
            steps=50_000,
        ),
    ),
)

_TUTORIAL = Document(
    "Generative Adversarial Networks (a tutorial with games)",
    "Explains games and equilibria, builds GANs of MNIST and SVHN, and names six applications.",
    (
        System(
            "Rock, paper, scissors",
            "Two players with payoffs of +1, -1 and 0, whose equilibrium is to play at random.",
            (
                "pip install ./plugins/ganzoo-toy",
                "ganzoo toy matrix rock-paper-scissors --dynamics optimistic --rate 0.3 --out rps.gif",
            ),
            "players who learn optimistically spiral into the equilibrium of a third each; those who only follow their "
            "gradient circle around it",
            takes="seconds",
        ),
        System(
            "A GAN of MNIST",
            "Fully connected, leaky ReLU, tanh, Adam, cross-entropy with logits, real labels smoothed to 0.9.",
            ("ganzoo train gan+bce:smooth=0.9 --data mnist --out runs/gan",),
            models=("gan-mnist",),
            recipe="gan+bce:smooth=0.9",
            steps=15_000,
            size=28,
        ),
        System(
            "A DCGAN of SVHN",
            "Transposed convolutions in G, strided ones in D, batch norm after layers without a bias.",
            ("ganzoo train dcgan --data svhn --steps 20000 --out runs/svhn",),
            "house numbers that can be read, after a few thousand steps; no model of the zoo was trained on SVHN",
            recipe="dcgan",
            steps=20_000,
        ),
        System(
            "What batch norm is for",
            "The same networks with it and without.",
            ('ganzoo grid "dcgan:ch=16+{bn,normalization/none}+{bce,hinge}" --data digits --seeds 2 --steps 400',),
            "a table with mean ± std of each recipe and the effect of batch norm and of the loss",
            takes="minutes: eight short runs on digits",
        ),
        System(
            "StackGAN: from a caption to an image, in two stages",
            "Descriptions of birds there; captions made of CIFAR-10's classes here.",
            (
                "pip install ./plugins/ganzoo-text",
                "ganzoo train stackgan --data captions:cifar10 --out runs/stackgan",
                'ganzoo sample runs/stackgan --text "a photo of a frog" --out frog.png',
            ),
            models=("stackgan-cifar10",),
            takes="see the card of the model",
        ),
        System(
            "iGAN: draw, and the model follows",
            "A doodle becomes a picture: the noise is sought whose image agrees with what was drawn.",
            (
                "pip install ./plugins/ganzoo-edit",
                "ganzoo project runs/first photo.png",
                "ganzoo paint runs/first",
            ),
            "a page in the browser, on any trained model",
            takes="nothing beyond the model",
        ),
        System(
            "pix2pix",
            "Pictures of one domain to another, from pairs: here grey photographs to coloured ones.",
            (
                "pip install ./plugins/ganzoo-translate",
                "ganzoo train pix2pix --data pairs:gray:cifar10 --out runs/pix2pix",
                "ganzoo eval runs/pix2pix --data pairs:gray:cifar10 --split test --metrics l1,psnr,ssim,fid",
            ),
            models=("pix2pix-cifar10-color",),
            takes="see the card of the model",
        ),
        System(
            "CartoonGAN",
            "Photographs to cartoons, without pairs.",
            ("ganzoo train cartoongan --data cartoon:cifar10 --out runs/cartoongan",),
            models=("cartoongan-cifar10",),
            takes="see the card of the model",
        ),
        System(
            "CycleGAN",
            "Horses to zebras there; horses to deer here, both of CIFAR-10.",
            ("ganzoo train cyclegan --data classes:horse,deer:cifar10 --out runs/cyclegan",),
            models=("cyclegan-horse2deer",),
            takes="see the card of the model",
        ),
        System(
            "Simulated training",
            "Rendered images are refined until they look real, and teach a classifier.",
            (
                "ganzoo train simgan --data rendered-digits:mnist --out runs/simgan",
                "ganzoo refined-accuracy runs/simgan --data rendered-digits:mnist",
            ),
            models=("simgan-digits",),
            takes="see the card of the model",
        ),
    ),
)

_TENSORFLOW = Document(
    "Deep convolutional Generative Adversarial Networks (DCGANs, in TensorFlow)",
    "A folder for each experiment: fixed-noise images every 100 steps, checkpoints, an animation, the configuration.",
    (
        System(
            "DCGAN with dropout in D, 5,000 steps",
            "Normal noise, dropout in D, an image of the same noise every 100 steps, an animation of them.",
            (
                "ganzoo train dcgan:dropout=0.3 --data mnist --steps 5000 --grid-every 100 --out runs/experiment",
                "ganzoo train --resume runs/experiment --steps 10000",
            ),
            "`samples.png`, `progress.gif`, `config.json` and checkpoints in `runs/experiment`",
            models=("dcgan-mnist",),
            recipe="dcgan:dropout=0.3",
            steps=5_000,
        ),
        System(
            "DCGAN beside a plain GAN, and normal noise beside uniform",
            "Both findings of the document, as runs to compare.",
            (
                "ganzoo train gan --data mnist --steps 5000 --out runs/plain",
                "ganzoo train dcgan --data mnist --steps 5000 --set prior=uniform --out runs/uniform",
                "ganzoo compare runs/plain runs/uniform runs/experiment --html compare.html",
            ),
            models=("gan-mnist", "dcgan-mnist"),
            recipe="dcgan",
            steps=5_000,
        ),
    ),
)

_FACES = Document(
    "Faces-DCGAN-SAGAN",
    "DCGAN and SAGAN of CIFAR-10 with a Wasserstein loss, FID during training, and pictures of attention.",
    (
        System(
            "DCGAN with a Wasserstein loss, scored every 500 steps on images held out",
            "The best step by that score becomes the model.",
            (
                "ganzoo train dcgan+wgan --data cifar10 --eval-every 500 --metrics fid --out runs/wasserstein",
                "ganzoo plot runs/wasserstein --keys 'losses/*' --out curves.png",
            ),
            "looks this often cost more than the training: `--eval-n 2000` makes them cheaper",
            models=("wgan-gp-cifar10",),
            recipe="dcgan+wgan",
            steps=20_000,
        ),
        System(
            "SAGAN with spectral norm on G and D, and its attention",
            "What each of a few points attends to, over generated images.",
            (
                "ganzoo train sagan+sn+wgan --data cifar10 --eval-every 5000 --metrics fid --out runs/attentive",
                "ganzoo attention runs/attentive --out attention.png",
            ),
            models=("sagan-cifar10",),
            recipe="sagan+sn+wgan",
            steps=20_000,
        ),
    ),
)

_REPORT = Document(
    "DCGAN and SAGAN (a report on CIFAR-10, in Keras)",
    "A DCGAN, and a conditional SAGAN with spectral norm on both networks that it calls CSNSAGAN.",
    (
        System(
            "DCGAN, 300 epochs",
            "z of 100 numbers, weights from N(0, 0.02), Adam at 2e-4 with a first beta of 0.5.",
            (
                "ganzoo train dcgan --data cifar10 --images 15000000 --set z-dim=100 --out runs/report",
                "ganzoo eval runs/report --data cifar10 --split test --metrics fid -n 10000",
            ),
            "",
            "FID 257.465 after 100 epochs, 209.549 after 150, 169.427 after 200, 123.777 after 250, 96.375 after 300",
            ("dcgan-cifar10",),
            "dcgan",
            15_000_000 // 64,
        ),
        System(
            "CSNSAGAN, 250 epochs",
            "Labels in both networks, hinge loss, attention, learning rates 0.001 for G and 0.004 for D.",
            (
                "ganzoo train csnsagan --data cifar10 --images 12500000 --out runs/csnsagan",
                "ganzoo attention runs/csnsagan --out attention.png",
            ),
            "",
            "FID 242.986 after 100 epochs, 198.564 after 150, 164.349 after 200, 135.437 after 250",
            ("csnsagan-cifar10",),
            "csnsagan",
            12_500_000 // 64,
        ),
    ),
)

DOCUMENTS = (_KERAS, _TUTORIAL, _TENSORFLOW, _FACES, _REPORT)
