"""The photo that a simulated rider takes of the parked vehicle: a PNG of grey blocks, another for each ride."""

import struct
import zlib
from random import Random
from typing import Final

WIDTH: Final = 400
HEIGHT: Final = 360
_BLOCK: Final = 40


def parked_photo(seed: int) -> bytes:
    """Large and varied enough to be taken for a photo; about 300 bytes."""
    rng = Random(seed)
    rows = []
    for _row in range(HEIGHT // _BLOCK):
        blocks = b"".join(bytes([rng.randrange(256)]) * _BLOCK for _block in range(WIDTH // _BLOCK))
        # Each line begins with its filter: none.
        rows.append((b"\0" + blocks) * _BLOCK)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
