"""Films: pictures one after the other as a GIF, an animated WebP, or an MP4 that browsers play.

MP4 needs imageio-ffmpeg, which the extra ``video`` brings; the other two need nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from PIL import Image, features

from ganzoo.errors import RunError, UsageError, either, within
from ganzoo.files.write import atomic
from ganzoo.images import save_gif
from ganzoo.registry.about import install

FILMS = (".gif", ".mp4", ".webp")
FPS = {".gif": 25 / 3, ".mp4": 24.0, ".webp": 24.0}  # where nobody says: GIFs are small, with few images
FASTEST = {".gif": 50.0, ".mp4": 120.0, ".webp": 120.0}  # a GIF counts hundredths of a second, and browsers slow 1 down
GOOD = 90  # quality of WebP, of 100
MARGIN = 255  # the grey of a line that makes a side even


def check_film(path: Path, fps: float | None = None) -> None:
    """Refuse what cannot be written, before any work is done.

    Args:
        path: whose ending says the format.
        fps: images a second; None for the format's own.

    Raises:
        UsageError: for another format or speed, or a package that is missing, with what installs it.
    """
    suffix = path.suffix.lower()
    if suffix not in FILMS:
        raise UsageError(f"{path} is no film: write a name that ends in {either(FILMS)}")
    within("fps", fps, 0.5, FASTEST[suffix])
    if suffix == ".mp4":
        try:
            import imageio_ffmpeg

            imageio_ffmpeg.get_ffmpeg_exe()
        except (ImportError, RuntimeError):
            raise UsageError(
                f"an MP4 is written with imageio-ffmpeg, which is not here: {install('video')}; a .gif or .webp needs"
                " nothing"
            ) from None
    elif suffix == ".webp" and not features.check("webp"):
        raise UsageError(f"{path} cannot be written by the Pillow that is here: write a .gif or .mp4")


def save_film(pictures: Iterable[Image.Image], path: Path, fps: float | None = None) -> None:
    """Write pictures of one size as an endless film, in one piece.

    Args:
        pictures: grey or RGB; they are taken one by one.
        path: ending in ``.gif``, ``.webp`` or ``.mp4`` (H.264, yuv420p, which all browsers play).
        fps: pictures a second; by default 24, and 8 1/3 in a GIF.

    Raises:
        UsageError: as :func:`check_film`.
        RunError: it cannot be written.
    """
    check_film(path, fps)
    suffix = path.suffix.lower()
    rate = FPS[suffix] if fps is None else fps
    if suffix == ".gif":
        milliseconds = 10 * round(100 / rate)
        save_gif([*pictures], path, milliseconds, rest=milliseconds)
    elif suffix == ".webp":
        _save_webp(pictures, path, rate)
    else:
        _save_mp4(pictures, path, rate)


def _save_webp(pictures: Iterable[Image.Image], path: Path, fps: float) -> None:
    first, *others = (picture.convert("RGB") for picture in pictures)
    with atomic(path) as temporary:
        first.save(
            temporary,
            format="WEBP",
            save_all=True,
            append_images=others,
            duration=round(1000 / fps),
            loop=0,
            quality=GOOD,
        )


def _save_mp4(pictures: Iterable[Image.Image], path: Path, fps: float) -> None:
    from imageio_ffmpeg import write_frames

    frames = iter(pictures)
    first = even(next(frames))
    # The index in front, so that a browser plays what it has; sRGB's matrix and range said, or players guess.
    colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_range", "tv"]
    said = [*colours, "-color_primaries", "bt709", "-color_trc", "bt709", "-movflags", "+faststart", "-f", "mp4"]
    with atomic(path) as temporary:
        try:
            writer: Iterator[None] = write_frames(
                str(temporary),
                first.size,
                fps=fps,
                codec="libx264",
                quality=8,
                macro_block_size=2,
                ffmpeg_log_level="error",
                output_params=said,
            )
            with closing(writer) as film:  # type: ignore[type-var]
                film.send(None)  # type: ignore[attr-defined]
                for frame in itertools.chain([first], map(even, frames)):
                    film.send(frame.tobytes())  # type: ignore[attr-defined]
        except OSError as error:
            raise RunError(f"cannot write {path}: ffmpeg ended with {error}") from error
        if not temporary.is_file() or not temporary.stat().st_size:
            raise RunError(f"cannot write {path}: ffmpeg wrote nothing")


def even(picture: Image.Image) -> Image.Image:
    """A picture as RGB of even width and height, as H.264 has: with a white line at the right or below."""
    width, height = (side + side % 2 for side in picture.size)
    rgb = picture.convert("RGB")
    if (width, height) == picture.size:
        return rgb
    sheet = Image.new("RGB", (width, height), (MARGIN,) * 3)
    sheet.paste(rgb, (0, 0))
    return sheet
