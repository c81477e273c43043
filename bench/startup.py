"""How long a start takes, cold and warm, and what each process holds in memory."""

import tempfile
from collections import defaultdict
from pathlib import Path

from tests.journeys.kit.system import running_system

from bench.figure import Figure
from bench.processes import Process, tree


def measure(folder: Path) -> list[Figure]:
    """From the command to the demo operator's first answer: on an empty data folder, then on the same one again."""
    with running_system(folder / "data") as system:
        cold_s = system.ready_s
    with running_system(folder / "data") as system:
        warm_s = system.ready_s
        processes = tree(system.pid)
    figures = [
        Figure("start on an empty folder", cold_s, "s", digits=2),
        Figure("start on the same folder again", warm_s, "s", digits=2),
    ]
    by_name: dict[str, list[Process]] = defaultdict(list)
    for process in processes:
        by_name[process.name].append(process)
    for name, group in sorted(by_name.items()):
        what = f"memory of {name}" + (f" ({len(group)} processes, shared pages once)" if len(group) > 1 else "")
        mib = sum(p.pss_mib for p in group) if len(group) > 1 else group[0].rss_mib
        figures.append(Figure(what, mib, "MiB"))
    figures.append(Figure("memory in all (shared pages once)", sum(p.pss_mib for p in processes), "MiB"))
    return figures


def main() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        return measure(Path(folder))
