"""Pictures as phones make them, and as they should not be."""

import random
from io import BytesIO
from typing import Any, Literal

from PIL import Image

Format = Literal["JPEG", "PNG", "WEBP"]
MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def draw(width: int = 640, height: int = 480, *, seed: int = 1, light: int = 255) -> Image.Image:
    """Blocks of many brightnesses, the brightest of them `light`."""
    rng = random.Random(seed)
    small = Image.new("RGB", (16, 12))
    for x in range(16):
        for y in range(12):
            small.putpixel((x, y), (rng.randint(0, light), rng.randint(0, light), rng.randint(0, light)))
    return small.resize((width, height), Image.Resampling.NEAREST)


def encode(picture: Image.Image, format: Format = "JPEG", **options: Any) -> bytes:
    written = BytesIO()
    picture.save(written, format, **options)
    return written.getvalue()


def photo(format: Format = "JPEG", *, seed: int = 1, width: int = 640, height: int = 480) -> bytes:
    """A good picture; another `seed` is another picture."""
    return encode(draw(width, height, seed=seed), format)


def picture_file(name: str = "a.jpg", content: bytes | None = None) -> tuple[str, tuple[str, bytes, str]]:
    """One file of a form, in the field `images`."""
    return ("images", (name, photo() if content is None else content, "application/octet-stream"))


def decode(content: bytes) -> Image.Image:
    with Image.open(BytesIO(content)) as opened:
        opened.load()
        return opened.copy()
