"""Sizes of networks, to the unit, as their peers' own code has them.

Each row: the name of the network there, a recipe of ours, side in pixels, classes, and parameters and tensors of G and
of D. The peers are PyTorch-StudioGAN (studio, studio-variant), torch-mimicry, BigGAN-PyTorch (biggan) and R3GAN, each
built from its public code in November 2026; None stands for what the peer has not. Further peers: pytorch-pretrained-
BigGAN (hf-biggan-deep), pytorch_GAN_zoo (dcgan-fb), pytorch/examples (ptexamples) and projected-gan (projgan). Rows
with ADA or APA, which have no parameters, are here without them.
"""

from __future__ import annotations

import pytest
from torch import nn

import ganzoo

# What differs on purpose, as parameters and tensors that theirs has more (less) than ours.
# StudioGAN's D without spectral norm also normalises the shortcuts of blocks that change the shape, and the image
# itself; ours, like the paper's, does not.
SHORTCUTS = (262, 4)
# The D of SNGAN and SAGAN in BigGAN-PyTorch sends the image through a convolution to 3 maps before it is widened: 3 and
# 64 in place of 64 and 64. The D of their authors, and ours, widens at once.
THREE_MAPS = (3 * 3 * 9 + 3 + 3 * 64 * 9 + 64) - (3 * 64 * 9 + 64 + 64 * 64 * 9 + 64)
# The generators that the authors of BigGAN published make 128 maps, of which the first three are the image.
SPARE_MAPS = 125 * (128 * 9 + 1)
# The first convolution of our DCGAN's D, which no norm follows, has biases: its docstring says why.
FIRST_BIAS = (-64, -1)
SAME = (0, 0)
# mimicry's conditional batch norm is one embedding where ours are two maps: as many numbers in fewer tensors.
ONE_EMBEDDING = None

DEEP_CONV = "sndcgan:pool=sum,slope=0+weight/none@d+bn"
NORMED = "+weight/none@d+bn@d"
DRAGAN = "wgan-gp+bn@d+regularizer/dragan"
LARGE = "wide=true,widths=studiogan"
BIG = "studio/CIFAR10/BigGAN"
DEEP = "biggan-deep+d2dce"
DIFF = f"{DEEP}:width=2048+diffaugment"
ROWS = [
    (BIG, "biggan", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-Uncond", "biggan", 32, 0, (8_825_092, 41), (2_413_250, 27)),
    (f"{BIG}-Uncond on labels", "biggan-uncond", 32, 10, (8_825_092, 41), (2_413_250, 27)),
    (f"{BIG}-DiffAug", "biggan+diffaugment", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-LeCam", "biggan+lecam", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-ADA", "biggan", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-APA", "biggan", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-CR", "crgan", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-ICR", "icrgan", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-DiffAug-LeCam", "biggan+diffaugment+lecam", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    (f"{BIG}-Deep", "biggan-deep", 32, 10, (7_762_948, 108), (2_908_930, 58)),
    (f"{BIG}-Deep-StudioGAN", "biggan-deep-studiogan", 32, 10, (9_338_884, 120), (3_177_730, 62)),
    ("studio/CIFAR10/ACGAN-Mod-Big", "biggan+ac:bias=false", 32, 10, (9_416_196, 42), (2_415_170, 28)),
    ("studio/CIFAR10/ACGAN-Mod-Big-TAC", "biggan+tac", 32, 10, (9_416_196, 42), (2_417_090, 29)),
    ("studio/CIFAR10/ACGAN-Mod-Big-ADC", "adcgan", 32, 10, (9_416_196, 42), (2_417_090, 28)),
    ("studio/CIFAR10/MHGAN", "mhgan", 32, 10, (9_416_196, 42), (2_415_180, 27)),
    ("studio/CIFAR10/MDGAN", "mdgan", 32, 10, (9_416_196, 42), (2_414_987, 27)),
    ("studio/CIFAR10/ContraGAN", "contragan", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ContraGAN-ADC", "biggan+2c:aux=adc", 32, 10, (9_416_196, 42), (2_522_306, 30)),
    ("studio/CIFAR10/ContraGAN-TAC", "biggan+2c:aux=tac", 32, 10, (9_416_196, 42), (2_621_122, 33)),
    ("studio/CIFAR10/ContraGAN-CR", "contragan+cr", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ContraGAN-ICR", "contragan+bcr+zcr", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ContraGAN-DiffAug", "contragan+diffaugment", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN", "reacgan", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN-ADC", "biggan+d2dce:aux=adc", 32, 10, (9_416_196, 42), (2_522_306, 30)),
    ("studio/CIFAR10/ReACGAN-TAC", "biggan+d2dce:aux=tac", 32, 10, (9_416_196, 42), (2_621_122, 33)),
    ("studio/CIFAR10/ReACGAN-CR", "reacgan+cr", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN-LeCam", "reacgan+lecam", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN-DiffAug", "reacgan+diffaugment", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN-ADA", "reacgan", 32, 10, (9_416_196, 42), (2_517_186, 30)),
    ("studio/CIFAR10/ReACGAN-ADC-DiffAug", "reacgan+d2dce:aux=adc", 32, 10, (9_416_196, 42), (2_522_306, 30)),
    ("studio/CIFAR10/ReACGAN-Deep", "biggan-deep+d2dce", 32, 10, (7_762_948, 108), (3_171_586, 60)),
    ("studio/CIFAR10/SNGAN-DiffAug", "sngan-cond+diffaugment", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SNGAN-LeCam", "sngan-cond+lecam", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SNGAN-DiffAug-LeCam", "sngan-cond+diffaugment+lecam", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SNGAN-ADA", "sngan-cond", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SNGAN-APA", "sngan-cond", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SNGAN", "sngan-cond", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio/CIFAR10/SAGAN", "sagan", 32, 10, (4_386_308, 41), (1_075_586, 28)),
    ("studio/CIFAR10/LOGAN", "logan", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("studio/CIFAR10/DCGAN", f"{DEEP_CONV}+bce", 32, 0, (3_812_355, 16), (2_931_009, 30)),
    ("studio/CIFAR10/LSGAN", f"{DEEP_CONV}+ls", 32, 0, (3_812_355, 16), (2_931_009, 30)),
    ("studio/CIFAR10/GGAN", f"{DEEP_CONV}+hinge", 32, 0, (3_812_355, 16), (2_931_009, 30)),
    ("studio-variant/SNGAN-uncond", "sngan", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("studio-variant/SNGAN-AChead", "sngan-cond+ac:bias=false", 32, 10, (4_304_387, 36), (1_055_105, 23)),
    ("studio-variant/SNGAN-MHhead", "sngan-cond+mh", 32, 10, (4_304_387, 36), (1_055_115, 22)),
    ("studio-variant/SNGAN-MDhead", "sngan-cond+md", 32, 10, (4_304_387, 36), (1_054_986, 22)),
    ("studio-variant/SNGAN-2Chead", "sngan-cond+2c", 32, 10, (4_304_387, 36), (1_124_993, 25)),
    ("studio-variant/SNGAN-D2DCEhead", "sngan-cond+d2dce", 32, 10, (4_304_387, 36), (1_124_993, 25)),
    ("studio-variant/BigGAN-64-ch64", "biggan:ch=64", 64, 1000, (11_446_404, 52), (20_571_842, 38)),
    ("studio-variant/BigGAN-64-ch80", "biggan:ch=80", 64, 1000, (17_437_604, 52), (31_820_722, 38)),
    ("studio-variant/BigGAN-64-ch96", "biggan", 64, 1000, (24_693_444, 52), (45_511_970, 38)),
    ("studio-variant/BigGAN-256-ch96", "biggan", 256, 1000, (82_235_844, 72), (99_225_890, 48)),
    ("studio-variant/BigGAN-512-ch96", "biggan", 512, 1000, (82_468_068, 82), (99_401_282, 54)),
    ("studio/AFHQv2/BigGAN-256Res", "biggan+attention/none", 256, 3, (81_923_907, 67), (97_648_417, 43)),
    ("studio-variant/BigGAN-128-ch96", "biggan", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("studio/ImageNet/BigGAN-2048", "biggan", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("studio/ImageNet/BigGAN-256-TTUR", "biggan", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("studio/ImageNet/BigGAN-Deep-256", "biggan-deep", 128, 1000, (50_244_484, 172), (34_590_210, 98)),
    ("studio/ImageNet/BigGAN-Deep-2048", "biggan-deep", 128, 1000, (50_244_484, 172), (34_590_210, 98)),
    ("studio/ImageNet/ACGAN-Big-Mod-256", "biggan+ac:bias=false", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("studio/ImageNet/BigGAN-256", "biggan", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("studio/ImageNet/MHGAN-256", "mhgan", 128, 1000, (70_433_988, 62), (87_983_370, 41)),
    ("studio/ImageNet/ContraGAN-256", "biggan+2c:width=1536", 128, 1000, (70_433_988, 62), (90_343_202, 44)),
    ("studio/ImageNet/ContraGAN-256-TTUR", "contragan+2c:width=1536", 128, 1000, (70_433_988, 62), (90_343_202, 44)),
    ("studio/ImageNet/ReACGAN-2048", "reacgan+d2dce:width=2048", 128, 1000, (70_433_988, 62), (91_642_146, 44)),
    ("studio/ImageNet/ReACGAN-256", "biggan+d2dce:width=2048", 128, 1000, (70_433_988, 62), (91_642_146, 44)),
    ("studio/ImageNet/ReACGAN-Deep-256", f"{DEEP}:width=2048", 128, 1000, (50_244_484, 172), (38_786_562, 100)),
    ("studio/ImageNet/ReACGAN-Deep-2048", f"{DEEP}:width=2048", 128, 1000, (50_244_484, 172), (38_786_562, 100)),
    ("studio/ImageNet/ReACGAN-Deep-DiffAug-2048", DIFF, 128, 1000, (50_244_484, 172), (38_786_562, 100)),
    ("studio/ImageNet/SAGAN-256", "sagan:wide=true+sa@64", 128, 1000, (42_017_412, 61), (39_448_258, 42)),
    ("studio/ImageNet/SNGAN-256", "sngan-cond:wide=true", 128, 1000, (41_996_931, 56), (39_443_137, 37)),
    ("studio-variant/SNGAN-128-c1000", "sngan-cond:wide=true", 128, 1000, (41_996_931, 56), (39_443_137, 37)),
    ("studio-variant/SNGAN-64-c1000", "sngan-cond:wide=true", 64, 1000, (17_974_915, 46), (20_566_721, 33)),
    ("studio-variant/SAGAN-64-c1000", "sagan:wide=true", 64, 1000, (17_995_396, 51), (20_587_202, 38)),
    ("studio-variant/SAGAN-128-c1000", "sagan:wide=true", 128, 1000, (42_078_852, 61), (39_463_618, 42)),
    ("studio-variant/SNGAN-256-c1000", f"sngan-cond:{LARGE}", 256, 1000, (49_027_203, 66), (44_425_409, 43)),
    ("studio-variant/SAGAN-256-c1000", f"sagan:{LARGE}+sa@d,64", 256, 1000, (49_354_884, 71), (44_445_890, 48)),
    ("biggan/BigGAN-128-ch96", "biggan", 128, 1000, (70_433_988, 62), (87_982_370, 42)),
    ("biggan/BigGAN-512-ch96", "biggan", 512, 1000, (82_468_068, 82), None),
    ("biggan/BigGAN-128-ch64", "biggan:ch=64", 128, 1000, (31_978_628, 62), (39_448_258, 42)),
    ("biggan/BigGAN-32-ch96-hier", "biggan:ch.d=384+sa@g,16+sa@d,16+sa@d,8", 32, 10, (9_416_196, 42), (10_194_053, 43)),
    ("biggan/BigGANdeep-32-ch128", "biggan-deep+sa@g,16+sa@d,16+sa@d,8", 32, 10, (7_762_948, 108), (3_564_292, 68)),
    ("biggan/BigGANdeep-128-ch128", "biggan-deep", 128, 1000, (50_244_484, 172), (34_590_210, 98)),
    ("biggan/launch_cifar_ema-32", "sngan-cond:ch.d=256", 32, 10, (4_304_387, 36), (4_207_361, 23)),
    ("mimicry/sngan_32", "sngan", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("mimicry/sngan_64", "sngan", 64, 0, (12_220_675, 46), (10_141_441, 32)),
    ("mimicry/sngan_128", "sngan", 128, 0, (32_150_787, 56), (29_017_857, 36)),
    ("mimicry/dcgan_32", "sngan+weight/none", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("mimicry/dcgan_cifar", "sngan+weight/none", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("mimicry/dcgan_64", "sngan+weight/none", 64, 0, (12_220_675, 46), (10_141_441, 32)),
    ("mimicry/dcgan_128", "sngan+weight/none", 128, 0, (32_150_787, 56), (29_017_857, 36)),
    ("mimicry/wgan_gp_32", "wgan-gp", 32, 0, (4_276_739, 36), (1_053_825, 22)),
    ("mimicry/wgan_gp_64", "wgan-gp", 64, 0, (12_220_675, 46), (10_141_441, 32)),
    ("mimicry/wgan_gp_128", "wgan-gp", 128, 0, (32_150_787, 56), (29_017_857, 36)),
    ("mimicry/cgan_pd_32-c10", "cgan-pd", 32, 10, (4_304_387, ONE_EMBEDDING), (1_055_105, 23)),
    ("mimicry/cgan_pd_32-c1000", "cgan-pd", 32, 1000, (7_345_667, ONE_EMBEDDING), (1_181_825, 23)),
    ("mimicry/cgan_pd_128-c10", "cgan-pd:ch.d=8", 128, 10, (32_239_491, ONE_EMBEDDING), (455_777, 37)),
    ("mimicry/cgan_pd_128-c1000", "cgan-pd:ch.d=8", 128, 1000, (41_996_931, ONE_EMBEDDING), (582_497, 37)),
    ("mimicry/cgan_pd_128-c1000-ndf1024", "cgan-pd", 128, 1000, None, (30_041_857, 37)),
    ("mimicry/sagan_32-c10", "sagan", 32, 10, (4_386_308, ONE_EMBEDDING), (1_075_586, 28)),
    ("mimicry/sagan_32-c1000", "sagan", 32, 1000, (7_427_588, ONE_EMBEDDING), (1_202_306, 28)),
    ("mimicry/sagan_128-c10", "sagan:ch.d=8", 128, 10, (32_321_412, ONE_EMBEDDING), (456_098, 42)),
    ("mimicry/sagan_128-c1000", "sagan:ch.d=8", 128, 1000, (42_078_852, ONE_EMBEDDING), (582_818, 42)),
    ("mimicry/sagan_128-c1000-ndf1024", "sagan", 128, 1000, None, (30_062_338, 42)),
    ("r3gan/CIFAR10-cond", "r3gan-cifar10", 32, 10, (20_781_952, 44), (21_280_512, 44)),
    ("r3gan/CIFAR10-uncond", "r3gan-cifar10", 32, 0, (20_732_160, 43), (20_683_776, 43)),
    ("r3gan/FFHQ-64", "r3gan-ffhq64", 64, 0, (22_429_824, 54), (22_381_440, 54)),
    ("r3gan/FFHQ-256", "r3gan-ffhq256", 256, 0, (23_057_952, 76), (23_009_568, 76)),
    ("r3gan/ImageNet-32", "r3gan-imagenet32", 32, 1000, (82_914_304, 44), (86_548_992, 44)),
    ("r3gan/ImageNet-64", "r3gan-imagenet64", 64, 1000, (103_570_432, 54), (107_205_120, 54)),
    ("projgan/fastgan-256", "projected-gan", 256, 0, (105_684_175, 59), (10_331_328, 44)),
    ("projgan/fastgan_lite-256", "projected-gan-lite", 256, 0, (79_354_307, 29), (10_331_328, 44)),
]
DIFFERENT = [  # name, recipe, side, classes, theirs, and how theirs differs: G, D
    ("studio/CIFAR10/ACGAN-Mod", "acgan-mod", 32, 10, (4_304_387, 36), (1_057_159, 41), SAME, SHORTCUTS),
    ("studio/CIFAR10/ACGAN-Mod-ADC", "acgan-mod+adc", 32, 10, (4_304_387, 36), (1_058_439, 41), SAME, SHORTCUTS),
    ("studio/CIFAR10/ACGAN-Mod-TAC", "tacgan", 32, 10, (4_304_387, 36), (1_058_439, 42), SAME, SHORTCUTS),
    ("studio/CIFAR10/LGAN", "lgan", 32, 0, (4_276_739, 36), (1_055_879, 40), SAME, SHORTCUTS),
    ("studio/CIFAR10/ProjGAN", f"sngan-cond{NORMED}", 32, 10, (4_304_387, 36), (1_057_159, 41), SAME, SHORTCUTS),
    ("studio/CIFAR10/WGAN-GP", "wgan-gp+bn@d", 32, 0, (4_276_739, 36), (1_055_879, 40), SAME, SHORTCUTS),
    ("studio/CIFAR10/WGAN-DRA", DRAGAN, 32, 0, (4_276_739, 36), (1_055_879, 40), SAME, SHORTCUTS),
    ("studio/CIFAR10/WGAN-WC", "wgan-wc+bn@d", 32, 0, (4_276_739, 36), (1_055_879, 40), SAME, SHORTCUTS),
    ("biggan/launch_SNGAN-128", "sngan-cond", 128, 1000, (41_996_931, 56), (30_005_013, 37), SAME, (THREE_MAPS, 0)),
    ("biggan/launch_SAGAN-128", "sagan+sa@64", 128, 1000, (42_017_412, 61), (30_010_134, 42), SAME, (THREE_MAPS, 0)),
    ("hf-biggan-deep/128", "biggan-deep", 128, 1000, (50_388_609, 172), None, (SPARE_MAPS, 0), None),
    ("hf-biggan-deep/256", "biggan-deep", 256, 1000, (55_880_833, 204), None, (SPARE_MAPS, 0), None),
    ("hf-biggan-deep/512", "biggan-deep", 512, 1000, (56_163_905, 236), None, (SPARE_MAPS, 0), None),
    ("dcgan-fb/64", "dcgan", 64, 0, (3_576_704, 13), (2_765_568, 11), SAME, FIRST_BIAS),
    ("ptexamples/dcgan64", "dcgan", 64, 0, (3_576_704, 13), (2_765_568, 11), SAME, FIRST_BIAS),
]


def size(network: nn.Module) -> tuple[int, int]:
    """Parameters, and the tensors that hold them."""
    parameters = list(network.parameters())
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(("recipe", "side", "classes", "g", "d"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_networks_are_as_large_as_their_peers(recipe, side, classes, g, d):
    gan = ganzoo.build(recipe, side, 3, classes, device="meta")
    for network, wanted in ((gan.G, g), (gan.D, d)):
        if wanted is not None:
            parameters, tensors = size(network)
            assert (parameters, tensors if wanted[1] else None) == wanted


def test_biggan_64_ch64_of_the_authors_has_noise_of_120():
    """The row ``biggan/BigGAN-64-ch64``: their networks of 64 pixels are not StudioGAN's."""
    gan = ganzoo.build("biggan:ch=64,widths=brock", 64, 3, 1000, z_dim=120, device="meta")
    assert (size(gan.G), size(gan.D)) == ((31_969_540, 52), (20_571_842, 38))


READ = [  # what reads D's features, which the peers count with D, is the regularizer's own
    ("studio/CIFAR10/DCGAN-Info", f"{DEEP_CONV}@d+bce+info-context", 0, 3_927_555, 2_936_129),
    ("studio/CIFAR10/SNGAN-Info", "sngan-cond+info-context", 10, 4_699_011, 1_056_385),
    ("studio/CIFAR10/BigGAN-Info", "biggan+info-context", 10, 10_007_428, 2_417_090),
    ("studio/CIFAR10/BigGAN-Info-Uncond", "biggan+info-context", 0, 9_416_324, 2_415_170),
    ("studio/CIFAR10/ReACGAN-Info", "reacgan+info-context", 10, 10_007_428, 2_519_106),
    ("studio-variant/DCGAN-Info-concat", f"{DEEP_CONV}+bce+info:inject=concat", 0, 3_830_147, 2_936_129),
    ("studio-variant/SNGAN-Info-concat", "sngan-cond+info:inject=concat", 10, 4_322_179, 1_056_385),
    ("studio-variant/BigGAN-Info-concat", "biggan+info:inject=concat", 10, 9_423_476, 2_417_090),
    ("mimicry/ssgan_32", "ssgan", 0, 4_276_739, 1_054_341),
]


@pytest.mark.parametrize(("recipe", "classes", "g", "d"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_networks_whose_features_are_read_are_as_large(recipe, classes, g, d):
    gan = ganzoo.build(recipe, 32, 3, classes, device="meta")
    (part,) = gan.regularizers
    assert (size(gan.G)[0], size(gan.D)[0] + size(part)[0]) == (g, d)


Z = {"dcgan": 100}  # what theirs starts from, where it is not our default


@pytest.mark.parametrize(
    ("recipe", "side", "classes", "theirs", "more"),
    [(*row[1:4], row[4:6], row[6:]) for row in DIFFERENT],
    ids=[row[0] for row in DIFFERENT],
)
def test_what_differs_on_purpose_differs_by_that(recipe, side, classes, theirs, more):
    gan = ganzoo.build(recipe, side, 3, classes, z_dim=Z.get(recipe), device="meta")
    for network, wanted, added in zip((gan.G, gan.D), theirs, more, strict=True):
        if wanted is not None:
            assert tuple(a + b for a, b in zip(size(network), added, strict=True)) == wanted
