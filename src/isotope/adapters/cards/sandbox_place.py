"""Where the test provider of a data folder is, and the keys that it shares with us: a file beside its store."""

import os
from pathlib import Path
from typing import Final

import msgspec

from isotope.infra.tokens import new_token

_FILE: Final = "place.json"


class SandboxPlace(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is where it listens, or listened last."""

    key: str
    webhook_secret: str
    url: str = ""


def sandbox_folder(data: Path) -> Path:
    """What the test provider keeps in a data folder."""
    return data / "sandbox-cards"


def read_place(data: Path) -> SandboxPlace | None:
    """None: none has ever run on this data folder."""
    try:
        return msgspec.json.decode((sandbox_folder(data) / _FILE).read_bytes(), type=SandboxPlace)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def claim_place(data: Path, url: str, *, key: str = "", webhook_secret: str = "") -> SandboxPlace:
    """Write down where it listens. Keys that are not given are those of before, or new ones."""
    known = read_place(data) or SandboxPlace(key=new_token(), webhook_secret=new_token())
    place = SandboxPlace(
        key=key or known.key, webhook_secret=webhook_secret or known.webhook_secret, url=url.rstrip("/")
    )
    folder = sandbox_folder(data)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{_FILE}.new"
    beside.unlink(missing_ok=True)
    # For its owner alone, from the first byte on.
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(place))
    beside.replace(folder / _FILE)
    return place
