"""What outlives a restart of the simulator: where its vehicles stand, and what its riders' phones remember."""

import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from isotope.simulator.crowd import Remembered
from isotope.simulator.unit import UnitState

_log = structlog.get_logger(__name__)
_MODE: Final = 0o600  # It holds riders' tokens.


class Memory(msgspec.Struct, kw_only=True):
    """The file's content."""

    units: dict[str, UnitState] = {}
    riders: list[Remembered] = []
    renters: list[Remembered] = []
    passengers: list[Remembered] = []


def recall(file: Path) -> Memory:
    """What was kept; nothing if there is no file or it cannot be read (a simulated city may always begin anew)."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("simulator.memory_lost", file=str(file), error=str(error))
        return Memory()


def keep(file: Path, memory: Memory) -> None:
    """Write it whole or not at all."""
    beside = file.with_name(f"{file.name}.new")
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as out:
        out.write(msgspec.json.encode(memory))
    beside.replace(file)
