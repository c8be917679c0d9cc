from itertools import pairwise

import pytest
import torch
from conftest import OPTIONS, RECIPE
from ganzoo_text.encoders import SmallEncoder, trimmed
from ganzoo_text.game import mismatched
from ganzoo_text.networks import Augmentation, Code

import ganzoo
from ganzoo import UsageError
from ganzoo.data import encode_text

CAPTIONS = encode_text(["a photo of a frog", "a deer", "an image of a ship", "this is a cat"])


def batch(number=0):
    rng = torch.Generator().manual_seed(number)
    images = torch.rand(4, 3, 16, 16, generator=rng) * 2 - 1
    return {"image": images, "text": CAPTIONS, "label": torch.arange(4)}


def trainer(recipe, **options):
    torch.manual_seed(0)
    return ganzoo.Trainer(ganzoo.build(recipe, resolution=16, settings={"batch": 4}, **options), 0, 4)


def steps(trainer, count):
    for number in range(count):
        trainer.train_step([batch(number * 8 + k) for k in range(trainer.batches_per_step)])
    return trainer


def parts(trainer):
    """Weights by the part of the whole that they belong to."""
    found = {}
    for name, tensor in trainer.gan.named_parameters():
        group = ".".join(name.split(".")[: 2 if name.startswith("G.") else 1])
        found[group] = torch.cat([found.get(group, torch.zeros(0)), tensor.detach().flatten()])
    return found


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "+hinge+r1",
        "+wgan+gp",
        "+relativistic",
        "+ls+sn@d",
        "+logistic+lecam",
        "+wgan-clip",
        "+minimax+dragan",
        "+sa",
    ],
)
def test_losses_and_penalties_fit(tail):
    run = steps(trainer(f"stackgan:ch=4,condition=8{tail}"), 2)
    run.check()
    losses = run.report()["losses"]
    assert {"d1/loss", "d1/mismatch", "d2/mismatch", "g1/loss", "g1/kl", "g2/kl"} <= losses.keys()


@pytest.mark.parametrize("tail", ["cbn+projection", "ac", "onehot"])
def test_labels_may_enter_besides(tail):
    steps(trainer(f"stackgan:ch=4,condition=8+{tail}", classes=4), 2).check()


def test_the_stages_learn_one_after_the_other():
    run = trainer("stackgan:ch=4,condition=8,stage=2")
    before = [parts(run)]
    for _ in range(4):
        steps(run, 1)
        before.append(parts(run))
    moved = [{name for name in one if not torch.equal(one[name], two[name])} for one, two in pairwise(before)]
    assert moved[0] == moved[1] == {"G.encoder", "G.augment_one", "G.one", "D1"}
    assert moved[2] == moved[3] == {"G.augment_two", "G.two", "D2"}


def test_without_stage_both_learn_at_once():
    run = trainer("stackgan:ch=4,condition=8")
    before = parts(run)
    assert all(not torch.equal(before[name], now) for name, now in parts(steps(run, 1)).items())


def test_samples_are_of_stage_one_enlarged_until_stage_two_learns():
    run = steps(trainer("stackgan:ch=4,condition=8,stage=1"), 1)
    images = run.gan.sample(text=["a frog", "a deer"], seed=0)
    assert torch.equal(images, images[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))
    steps(run, 1)
    images = run.gan.sample(text=["a frog", "a deer"], seed=0)
    assert not torch.equal(images, images[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_stage_two_may_begin_with_the_enlarged_image():
    gan = ganzoo.build("stackgan:ch=4,skip=true", resolution=16)
    small = torch.rand(2, 3, 8, 8) * 1.8 - 0.9
    torch.nn.init.zeros_(gan.G.two.image.weight)
    large = gan.G.two(small, torch.zeros(2, 0), torch.zeros(2, 128))
    expected = torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bilinear")
    assert torch.allclose(large, expected, atol=1e-5)


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(3, 5), torch.randn(3, 5)
    law = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(law, torch.distributions.Normal(0.0, 1.0)).mean()
    assert torch.allclose(Code(mean, mean, log_variance).divergence(), expected, atol=1e-6)


def test_codes_are_drawn_in_training_and_the_mean_otherwise():
    torch.manual_seed(0)
    augment = Augmentation(6, 400)
    torch.nn.init.zeros_(augment.law.weight)
    embedding = torch.randn(50, 6)
    with torch.no_grad():
        code = augment(embedding)
    deviation = (code.drawn - code.mean) / (0.5 * code.log_variance).exp()
    assert abs(float(deviation.mean())) < 0.02 and abs(float(deviation.std()) - 1) < 0.02
    assert torch.equal(augment.eval()(embedding).drawn, code.mean)


def test_a_wrong_caption_is_of_another_class():
    torch.manual_seed(0)
    labels = torch.tensor([0, 0, 1, 1])
    real = torch.arange(4.0).reshape(4, 1, 1, 1)
    fake = torch.full((4, 1, 1, 1), -1.0)
    drawn = [mismatched({"label": labels, "text": CAPTIONS}, real, fake).flatten().tolist() for _ in range(50)]
    assert {image for one in drawn for image in one[:2]} == {2.0, 3.0}
    assert {image for one in drawn for image in one[2:]} == {0.0, 1.0}


def test_without_labels_a_wrong_caption_is_another_text_and_generated_where_there_is_none():
    real, fake = torch.arange(4.0).reshape(4, 1, 1, 1), torch.full((4, 1, 1, 1), -1.0)
    text = encode_text(["one", "one", "one", "two"])
    assert mismatched({"text": text}, real, fake).flatten().tolist()[:3] == [3.0, 3.0, 3.0]
    same = encode_text(["one"] * 4)
    assert mismatched({"text": same}, real, fake).flatten().tolist() == [-1.0] * 4


def test_the_length_of_the_padding_does_not_matter():
    torch.manual_seed(0)
    encoder = SmallEncoder()
    short = trimmed(CAPTIONS)
    assert short.shape == (4, 64)
    assert trimmed(encode_text(["x" * 256])).shape == (1, 256)
    assert torch.allclose(encoder(short), encoder(CAPTIONS), atol=1e-5)
    assert not torch.allclose(encoder(short)[0], encoder(short)[1], atol=1e-2)


@pytest.mark.parametrize(
    "resolution, small, options", [(32, 16, ""), (128, 32, ""), (64, 16, ":ratio=4"), (16, 8, ":ratio=2")]
)
def test_stage_one_is_half_or_a_quarter_as_large(resolution, small, options):
    gan = ganzoo.build(f"stackgan{options}", resolution=resolution, device="meta")
    assert gan.D1.shapes[0] == (3, small, small) and gan.D2.shapes[0] == (3, resolution, resolution)


@pytest.mark.parametrize(
    "recipe, resolution, said",
    [
        ("stackgan:ratio=4", 16, "needs 8"),
        ("stackgan:ch=0", 32, "stackgan:ch=0"),
        ("stackgan:mismatch=1.5", 32, "from 0 to 1"),
        ("stackgan:stage=-1", 32, "0 or more"),
        ("stackgan:encoder=big", 32, "small or minilm"),
        ("stackgan", 24, "nearest sizes"),
    ],
)
def test_what_cannot_be_is_refused(recipe, resolution, said):
    with pytest.raises(UsageError, match=said):
        ganzoo.build(recipe, resolution=resolution)


@pytest.mark.parametrize("word", ["selfmod", "mh"])
def test_noise_reaches_the_norms_of_both_stages_and_labels_the_loss(word):
    steps(trainer(f"{RECIPE}+{word}", classes=4), 1).check()


def test_data_without_captions_is_refused():
    with pytest.raises(UsageError, match=r"needs 'text' \(from captioned, captions\)"):
        ganzoo.train("stackgan", "digits", steps=1, quiet=True)


def test_a_resumed_run_is_the_unbroken_one_byte_for_byte(trained, tmp_path):
    folder = tmp_path / "stack"
    for count in (1, 2, 3, 4):  # it is broken off within each stage and between them
        ganzoo.train(*(() if count > 1 else (RECIPE,)), **{**OPTIONS, **({} if count == 1 else {"data": None,
                     "resolution": None, "batch": None})}, steps=count, license="mit" if count == 1 else None,
                     **({"out": folder} if count == 1 else {"resume": folder}))  # fmt: skip
    for file in ("model.safetensors", "samples.png", "examples/text.json"):
        assert (folder / file).read_bytes() == (trained / file).read_bytes()
    state = "training/step-00000004/state.safetensors"
    assert (folder / state).read_bytes() == (trained / state).read_bytes()
