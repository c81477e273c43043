"""`python -m bench [PART...]`: measure, each figure beside its floor in the same run. Ctrl-C stops and shows what is done.

Parts are the modules named below; each has `main()`, which gives its figures (or prints them itself).
"""

import argparse
import importlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.figure import Figure, show

PARTS: Final = {
    "cycles": "rides started and ended",
    "vehicles": "get-vehicles",
    "zones": "get-zones",
    "rentals": "get-vehicle-models",
    "places": "get-suggestions",
    "taxi": "a round of the dispatcher",
    "quotes": "get-drivers with and without the road engine",
    "live_map": "the live map in memory",
    "ledger": "the ledger",
    "journal": "a month of the journal exported",
    "startup": "start-up and memory",
}


def main() -> int:
    arguments = _arguments()
    console = Console()
    console.print(f"{_machine()}; {os.getloadavg()[0]:.1f} busy before the start", markup=False)
    for part in arguments.parts or PARTS:
        if not (Path(__file__).parent / f"{part}.py").exists():
            continue
        try:
            figures = _run(console, part)
        except KeyboardInterrupt:
            console.print(f"stopped in {PARTS[part]}")
            return 130
        if figures:
            show(console, PARTS[part], figures)
    return 0


def _run(console: Console, part: str) -> Sequence[Figure]:
    columns = (SpinnerColumn(), TextColumn("measuring {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(PARTS[part])
        figures = importlib.import_module(f"bench.{part}").main()
    return figures if isinstance(figures, list) else ()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measured work, each figure beside its floor.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join(f"{name}: {what}" for name, what in PARTS.items())
    )
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return arguments


def _machine() -> str:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB of memory"


if __name__ == "__main__":
    raise SystemExit(main())
