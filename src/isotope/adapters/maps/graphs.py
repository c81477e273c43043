"""The road graph in the data folder: built from an extract by the engine's programs, run by the worker.

maps/engine/osrm-26.10.0/    the programs
maps/graphs/<number>/        roads.osrm.*, as they were built
maps/current                 the graph that is run: a link, put in place when all of it is built
run/roads.json               where the running engine listens
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

_LIMIT_S: Final = 6 * 3600.0
_STEPS: Final = ("osrm-extract", "osrm-partition", "osrm-customize")
_GRAPH: Final = "roads.osrm"
# Roads that nothing joins to the rest are passed over when they are fewer: courtyards, quays, what an edge cut off. In a
# few streets of a town's centre the whole net may have fewer than the engine takes for one by default.
_NET: Final = 1_000
_SMALL_NET: Final = 100
_SMALL_EXTRACT_BYTES: Final = 5_000_000


class GraphFailed(Exception):  # noqa: N818 - says what happened
    """The engine could not build a graph; the message says what it said."""


class RoadPlace(msgspec.Struct, frozen=True):
    """Where the running engine listens."""

    url: str


def maps_folder(data: Path) -> Path:
    return data / "maps"


def place_file(data: Path) -> Path:
    return data / "run" / "roads.json"


def current_graph(data: Path) -> Path | None:
    """The graph to run, by the folder it is really in; None: none was built."""
    current = maps_folder(data) / "current"
    return current.resolve() / _GRAPH if (current / f"{_GRAPH}.mldgr").exists() else None


def program_of(graph: Path) -> Path:
    """What serves it."""
    return graph.parent / "engine" / "bin" / "osrm-routed"


def read_place(data: Path) -> RoadPlace | None:
    """Where the engine listens; None: none runs."""
    try:
        return msgspec.json.decode(place_file(data).read_bytes(), type=RoadPlace)
    except (OSError, msgspec.MsgspecError):
        return None


def write_place(data: Path, place: RoadPlace | None) -> None:
    """Tell the other processes; None: it does not run."""
    path = place_file(data)
    if place is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_bytes(msgspec.json.encode(place))
    written.replace(path)


def build_graph(
    engine: Path,
    extract: Path,
    data: Path,
    *,
    limit_s: float = _LIMIT_S,
    told: Callable[[str], None] = lambda _step: None,
) -> Path:
    """Build it and put it in place; `told` hears of each step. What ran before goes on until the worker sees the new one.

    Raises:
        GraphFailed
    """
    graphs = maps_folder(data) / "graphs"
    graphs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="graph-", dir=graphs))
    try:
        # The programs name what they write after what they read.
        (folder / "roads.osm.pbf").symlink_to(extract.resolve())
        for step in _STEPS:
            told(step)
            is_first = step == _STEPS[0]
            extra = _profile(engine, extract) if is_first else []
            _run([str(engine / "bin" / step), *extra, str(folder / ("roads.osm.pbf" if is_first else _GRAPH))], limit_s)
        (folder / "roads.osm.pbf").unlink()
        (folder / "engine").symlink_to(engine.resolve())
        folder.chmod(0o755)
        link = graphs.parent / f".current-{folder.name}"
        link.symlink_to(folder.relative_to(graphs.parent))
        link.replace(graphs.parent / "current")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for other in graphs.iterdir():
        # A running engine has what it needs in memory.
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder / _GRAPH


def _profile(engine: Path, extract: Path) -> list[str]:
    """For cars. A point is taken to a road that leads on; how large a net must be for that depends on the extract."""
    size = _SMALL_NET if extract.stat().st_size < _SMALL_EXTRACT_BYTES else _NET
    return ["--profile", str(engine / "share" / "profiles" / "car.lua"), "--small-component-size", str(size)]


def _run(command: list[str], limit_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise GraphFailed(f"{os.path.basename(command[0])} was not done after {limit_s:.0f} s") from error  # noqa: PTH119
    except OSError as error:
        raise GraphFailed(f"{command[0]} cannot be run here: {error}") from error
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "[error]" in line or "terminate" in line]
        raise GraphFailed(f"{Path(command[0]).name} failed ({done.returncode}): {' '.join(said[-2:]) or 'no word why'}")
