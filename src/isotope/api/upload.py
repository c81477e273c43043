"""Files of a multipart body."""

from dataclasses import dataclass
from typing import Final

# (offset, magic bytes, content type): pictures that phones make.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture. `content_type` is what its first bytes say, not what the client claims."""

    filename: str
    content_type: str
    data: bytes


def image_type(data: bytes) -> str | None:
    """The content type of a picture by its first bytes; None if it is not one."""
    for offset, magic, content_type in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return content_type
    return None
