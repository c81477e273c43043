"""What is kept of a picture, and what is said about it."""

import random
import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from isotope.adapters.pictures import KEPT_SIDE, MOST_PIXELS, UnreadablePictureError, read_picture
from tests.kit.pictures import Format, decode, draw, encode, photo

FORMATS: tuple[Format, ...] = ("JPEG", "PNG", "WEBP")
SECRET = b"Rita lives at 60.1699 24.9384"


def exif_with(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (60.0, 10.0, 11.6)
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    return exif


@pytest.mark.parametrize("format", FORMATS)
def test_a_good_picture_of_each_format_becomes_a_jpeg(format: Format) -> None:
    sent = photo(format)
    kept = read_picture(sent)
    assert kept.faults == ()
    shown = decode(kept.content)
    assert (kept.width, kept.height) == shown.size == (640, 480)
    assert kept.content[:3] == b"\xff\xd8\xff"
    # The same picture: block by block nearly the same colour.
    for x, y in ((20, 20), (300, 220), (620, 460)):
        was, now = decode(sent).convert("RGB").getpixel((x, y)), shown.getpixel((x, y))
        assert isinstance(was, tuple)
        assert isinstance(now, tuple)
        assert max(abs(one - other) for one, other in zip(was, now, strict=True)) < 24


def test_nothing_that_is_no_pixel_is_kept() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    sent = {
        "jpeg": encode(draw(), exif=exif_with(), comment=SECRET, xmp=xmp, icc_profile=b"ICC" + SECRET),
        "png": encode(draw(), "PNG", pnginfo=info, exif=exif_with()),
        "webp": encode(draw(), "WEBP", exif=exif_with(), xmp=xmp),
        "polyglot": photo() + b"<script>" + SECRET,
    }
    for name, content in sent.items():
        assert SECRET in content or name == "png", f"{name}: the test itself sends nothing"
        kept = read_picture(content).content
        assert SECRET not in kept
        shown = Image.open(BytesIO(kept))
        assert not shown.getexif()
        assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}, name


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1))])
def test_a_picture_stands_as_the_camera_was_held(orientation: int, corner: tuple[int, int]) -> None:
    picture = Image.new("RGB", (640, 400), "blue")
    picture.paste("red", (0, 0, 100, 100))
    kept = read_picture(encode(picture, exif=exif_with(orientation)))
    shown = decode(kept.content)
    assert shown.size == ((640, 400) if orientation in (1, 3) else (400, 640))
    place = tuple(20 if not side else size - 20 for side, size in zip(corner, shown.size, strict=True))
    found = shown.getpixel((place[0], place[1]))
    assert isinstance(found, tuple)
    assert found[0] > 200
    assert found[2] < 60


def test_large_pictures_become_smaller() -> None:
    for kind in FORMATS:
        kept = read_picture(encode(draw(4000, 3000), kind))
        assert (kept.width, kept.height) == (KEPT_SIDE, KEPT_SIDE * 3 // 4)


@pytest.mark.parametrize(
    ("picture", "faults"),
    [
        (draw(), ()),
        (draw(319, 640), ("too_small",)),
        (draw(320, 640), ()),
        (draw(light=24), ("too_dark",)),
        (draw(light=60), ()),
        (Image.new("RGB", (640, 480), "black"), ("too_dark", "blank")),
        (Image.new("RGB", (640, 480), "white"), ("blank",)),
        (Image.new("RGB", (10, 10), "grey"), ("too_small", "blank")),
    ],
)
def test_what_is_no_evidence(picture: Image.Image, faults: tuple[str, ...]) -> None:
    assert read_picture(encode(picture)).faults == faults


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_every_kind_of_pixels(mode: str) -> None:
    kind: Format = "JPEG" if mode == "CMYK" else "PNG"
    picture = draw().convert("L").convert(mode) if mode == "I;16" else draw().convert(mode)
    assert decode(read_picture(encode(picture, kind)).content).mode == "RGB"


def test_what_is_transparent_is_white() -> None:
    shown = decode(read_picture(encode(Image.new("RGBA", (640, 480), (255, 0, 0, 0)), "PNG")).content)
    assert shown.getpixel((5, 5)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(10_000, 5_001), (30_001, 1), (100_000, 100_000), (2**31 - 1, 2**31 - 1)]
)
def test_a_size_that_is_claimed_is_not_decoded(width: int, height: int) -> None:
    assert width * height > MOST_PIXELS or max(width, height) > 30_000
    with pytest.raises(UnreadablePictureError, match="pixels"):
        read_picture(bomb(width, height))


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_cut_off(format: Format) -> None:
    whole = photo(format)
    for part in (12, len(whole) // 4, len(whole) // 2, len(whole) - 40):
        with pytest.raises(UnreadablePictureError, match="cut off or broken"):
            read_picture(whole[:part])


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"GIF89a" + bytes(40), b"<svg/>", bytes(100)])
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(UnreadablePictureError):
        read_picture(content)


@given(st.sampled_from(FORMATS), st.integers(0, 2**32), st.integers(1, 200))
def test_any_damage_is_a_picture_or_unreadable(format: Format, seed: int, hits: int) -> None:
    """No byte that somebody changes makes anything but one of the two."""
    content = bytearray(photo(format, width=64, height=48))
    rng = random.Random(seed)
    for _hit in range(hits):
        content[rng.randrange(len(content))] = rng.randrange(256)
    try:
        kept = read_picture(bytes(content))
    except UnreadablePictureError:
        return
    assert decode(kept.content).size == (kept.width, kept.height)
