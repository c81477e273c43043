"""What the evidence room needs of the outside world."""

from typing import Protocol


class Blobs(Protocol):
    """Keeps files under keys that we choose. Keys are `/`-separated, ASCII, without `..`.

    Every function raises OSError when the store cannot be reached or refuses us, after a bounded time.
    """

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store; overwrites. Afterwards `get` has all of it."""
        ...

    async def get(self, key: str) -> bytes | None:
        """All of it; None if there is nothing."""
        ...

    async def delete(self, key: str) -> None:
        """Forget; no error if there is none."""
        ...
