"""Augmentations on images that are not square, or not grey or RGB."""

import pytest
import torch

import ganzoo
from ganzoo.errors import UsageError


@pytest.mark.parametrize("channels", [4, 8])
def test_colours_of_other_channels_are_refused_by_name(channels: int) -> None:
    with pytest.raises(UsageError, match=rf"diffaugment:color=1.*{channels} channels.*color=0") as said:
        ganzoo.build("dcgan:ch=4+diffaugment", 16, channels, device="meta")
    assert "\n" not in str(said.value)
    ganzoo.build("dcgan:ch=4+diffaugment:color=0", 16, channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_rgb_go_on_working_also_where_they_are_not_square(channels: int, tmp_path) -> None:
    images = torch.randint(256, (8, channels, 16, 32), dtype=torch.uint8)
    run = ganzoo.train("dcgan:ch=4+diffaugment", images, tmp_path / "a", 2, batch=4, device="cpu", quiet=True)
    assert run.step == 2 and ganzoo.load(run.folder).sample(1).shape == (1, channels, 16, 32)
