"""Files of a multipart body, as they came."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from isotope.kernel.card_numbers import has_card_number

# (offset, magic bytes, content type): the pictures that are taken.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
)
ACCEPTED: Final = "JPEG, PNG or WebP"
# "10 MB" in either meaning.
PICTURE_BYTES: Final = 10 * 1024 * 1024
_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture. `content_type` is what its first bytes say, not what the client claims.

    Attributes:
        size: bytes that were sent; of a file beyond `PICTURE_BYTES`, `data` holds only the beginning.
        digest: SHA-256 of what was sent.
    """

    filename: str
    content_type: str
    data: bytes
    size: int = -1
    digest: bytes = b""

    def __post_init__(self) -> None:
        if self.size < 0:
            object.__setattr__(self, "size", len(self.data))
        if not self.digest:
            object.__setattr__(self, "digest", sha256(self.data).digest())

    @property
    def shown_name(self) -> str:
        """The client's name of it, for a message back to that client; `the file` if it is not fit to be shown."""
        name = self.filename
        fits = 0 < len(name) <= _MOST_SHOWN and name.isprintable() and not has_card_number(name)
        return f'"{name}"' if fits else "the file"


def image_type(data: bytes) -> str | None:
    """The content type of a picture by its first bytes; None if it is not one that is taken."""
    for offset, magic, content_type in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return content_type
    return None
