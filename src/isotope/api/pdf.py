"""An answer that is a file instead of JSON."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Pdf:
    """A PDF file. `name` is what it is saved as: ASCII letters, digits, `-` and `.`."""

    MEDIA: ClassVar[str] = "application/pdf"

    content: bytes
    name: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", self.MEDIA.encode()),
            (b"content-disposition", f'inline; filename="{self.name}"'.encode("ascii")),
        ]
