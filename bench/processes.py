"""Memory of a process tree, from /proc (Linux)."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: RSS counts shared pages in each process, PSS divides them among those that share."""

    pid: int
    name: str
    rss_mib: float
    pss_mib: float


def tree(root: int) -> list[Process]:
    """`root` and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[Process] = []
    todo = [root]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        if (process := _look(pid)) is not None:
            found.append(process)
    return found


def cpu_ms(root: int) -> dict[str, float]:
    """Processor time used so far, by name, of `root` and everything below it."""
    tick_ms = 1000 / os.sysconf("SC_CLK_TCK")
    used: dict[str, float] = {}
    for process in tree(root):
        try:
            fields = (Path("/proc") / str(process.pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used[process.name] = used.get(process.name, 0.0) + (int(fields[11]) + int(fields[12])) * tick_ms
    return used


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _look(pid: int) -> Process | None:
    folder = Path("/proc") / str(pid)
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        rollup = dict(_numbers((folder / "smaps_rollup").read_text()))
    except OSError:
        return None
    return Process(pid, _name(command), rollup.get("Rss", 0) / 1024, rollup.get("Pss", 0) / 1024)


def _name(command: str) -> str:
    words = command.split()
    if words and "postgres" in words[0]:
        return "postgres"
    return f"isotope {words[words.index('isotope') + 1]}" if "isotope" in words else " ".join(words[:3])


def _numbers(text: str) -> list[tuple[str, int]]:
    rows = [line.split() for line in text.splitlines()[1:]]
    return [(row[0].rstrip(":"), int(row[1])) for row in rows if len(row) > 1 and row[1].isdigit()]
