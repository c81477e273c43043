"""Pictures that riders send: read, judged, and made anew.

What is kept is never the file that came. The picture is decoded, turned as its EXIF says, made smaller if it is large,
and written as a JPEG of our own: no EXIF (nor the place in it), no XMP, comment, colour profile, second picture or
bytes after the end comes along, and what is served later was written by our encoder alone.

Pillow is some MiB of code, so this module is imported where a picture is looked at and nowhere else.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, ImageStat

FORMATS: Final = ("JPEG", "PNG", "WEBP")
CONTENT_TYPE: Final = "image/jpeg"
# 50 megapixels are what phones take at most within 10 MiB; decoded they are 150 MB of memory.
MOST_PIXELS: Final = 50_000_000
MOST_SIDE: Final = 30_000
# The longer side of what is kept: enough to read a sign behind a scooter.
KEPT_SIDE: Final = 2_560
QUALITY: Final = 85

# What makes a picture useless as evidence.
LEAST_SIDE: Final = 320
# Luminance goes from 0 to 255.
DARK_BELOW: Final = 16.0
BLANK_BELOW: Final = 4.0
_JUDGED_AT: Final = (64, 64)


class UnreadablePictureError(Exception):
    """The file cannot be decoded as one of `FORMATS`; `args[0]` says what is wrong, in words for a client."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG of ours. `faults` in stable words: `too_small`, `too_dark`, `blank`; none: it is good."""

    content: bytes
    width: int
    height: int
    faults: tuple[str, ...]


def read_picture(content: bytes) -> Picture:
    """Decode, judge and write anew. Takes up to a second of a processor: not for the event loop.

    Raises:
        UnreadablePictureError: it is none of the formats, cut off, broken, or larger than `MOST_PIXELS`.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            # Nothing is decoded before this: a few bytes can claim any size.
            _check_size(*opened.size)
            faults = ("too_small",) if min(opened.size) < LEAST_SIDE else ()
            # A large JPEG is decoded at a half, a quarter or an eighth at once.
            opened.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
            picture = _upright(opened)
    except UnreadablePictureError:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadablePictureError(f"has more than {MOST_PIXELS // 1_000_000} million pixels") from error
    except Exception as error:  # a decoder may raise anything over bytes that somebody made up
        raise UnreadablePictureError("cannot be decoded: it is cut off or broken") from error
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    written = BytesIO()
    picture.save(written, "JPEG", quality=QUALITY)
    return Picture(written.getvalue(), picture.width, picture.height, (*faults, *_faults(picture)))


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise UnreadablePictureError(
            f"has {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million in all and {MOST_SIDE} a side are accepted"
        )


def _upright(opened: Image.Image) -> Image.Image:
    """The pixels alone, RGB, turned as the camera was held; what is transparent becomes white."""
    opened.load()
    turned = _turned(opened)
    if turned.mode == "RGB":
        pixels = turned
    elif turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        over = turned.convert("RGBA")
        pixels = Image.new("RGB", over.size, "white")
        pixels.paste(over, mask=over.getchannel("A"))
    else:
        pixels = turned.convert("RGB")
    # `save` would write some of what came with the file (`info`) into the new one.
    bare = Image.new("RGB", pixels.size)
    bare.paste(pixels)
    return bare


def _turned(opened: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(opened)
    except Exception:  # noqa: BLE001 - EXIF that cannot be read says nothing; the picture itself is good
        return opened


def _faults(picture: Image.Image) -> tuple[str, ...]:
    """What a look at the brightness shows.

    | mean luminance | standard deviation | fault |
    |---|---|---|
    | under 16 | any | `too_dark` |
    | any | under 4 | `blank`: almost one colour, such as a lens that is covered |
    """
    seen = ImageStat.Stat(picture.convert("L").resize(_JUDGED_AT, Image.Resampling.BOX))
    dark = ("too_dark",) if seen.mean[0] < DARK_BELOW else ()
    return (*dark, "blank") if seen.stddev[0] < BLANK_BELOW else dark
