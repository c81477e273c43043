"""Blobs in a folder of this machine: the default."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from isotope.infra import outbound

_KEY: Final = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class FolderBlobs:
    """Implements `evidence.ports.Blobs`. A file is either whole or not there (written aside, then renamed)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        """`content_type` is stored by the caller beside the key; a folder needs none."""
        del content_type
        outbound.guard()
        await asyncio.to_thread(self._write, self._path(key), content)

    async def get(self, key: str) -> bytes | None:
        outbound.guard()
        return await asyncio.to_thread(self._read, self._path(key))

    async def delete(self, key: str) -> None:
        outbound.guard()
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a blob's key has letters, digits, _ and - between slashes")
        return self._root / key

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.part")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
