"""`isotope simulate`: a simulated city."""

import asyncio
import contextlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from isotope.cli._failures import CommandError
from isotope.infra.config import Config, load_config

if TYPE_CHECKING:
    from rich.console import Console

    from isotope.simulator.city import CityPlan
    from isotope.simulator.replay import Summary
    from isotope.simulator.trips import Trip

_DEMO_CITY: Final = Path(__file__).parent.parent / "demo_city"


def command(
    riders: Annotated[int | None, typer.Option(min=0, help="how many ride at once; default 15, of a replay 20")] = None,
    renters: Annotated[int, typer.Option(min=0, help="how many more rent cars; in a replay none")] = 4,
    passengers: Annotated[int, typer.Option(min=0, help="how many more take taxis; in a replay none")] = 6,
    drivers: Annotated[
        int, typer.Option(min=0, help="how many of the folder's taxi drivers work; in a replay none")
    ] = 24,
    vehicles_only: Annotated[bool, typer.Option("--vehicles-only", help="no riders: vehicles report and obey")] = False,
    replay: Annotated[
        Path | None, typer.Option(metavar="CSV", help="ride recorded trips (see docs/operate/simulator.md), then end")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="of a replay: only so many trips, evenly chosen")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=1000, help="times faster than life; default 1, of a replay 60")
    ] = None,
    api: Annotated[str | None, typer.Option(envvar="ISOTOPE_API_URL", help="address of the API")] = None,
    gateway: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="where units connect")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="the operator's folder, for its vehicles.csv; default: the demo city's")
    ] = None,
    troublemakers: Annotated[float, typer.Option(min=0, max=1, help="share of units that misbehave")] = 0.04,
    public_key: Annotated[str, typer.Option(help="the operator's App-Public-Key")] = "demo-public",
    secret_key: Annotated[str, typer.Option(help="the operator's secret key")] = "demo-secret",  # noqa: S107 - the demo's
) -> None:
    """Drive simulated vehicles and riders against a running system, as real ones would.

    Example:

        isotope simulate --replay trips.csv --riders 20
    """
    from isotope.infra.log import configure_logging
    from isotope.simulator.city import CityPlan
    from isotope.simulator.errors import SimulatorError

    config = load_config()
    quiet = replay is not None and sys.stderr.isatty()
    configure_logging(msgspec.structs.replace(config, log_level="error") if quiet else config, "simulator")
    # A line for every call would be most of the log.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    host, port = _gateway(config, gateway)
    plan = CityPlan(
        folder=folder or _DEMO_CITY,
        api=api or f"http://{config.host}:{config.port}",
        gateway_host=host,
        gateway_port=port,
        public_key=public_key,
        secret_key=secret_key,
        riders=0 if vehicles_only else (riders if riders is not None else (15 if replay is None else 20)),
        renters=0 if vehicles_only or replay is not None else renters,
        passengers=0 if vehicles_only or replay is not None else passengers,
        drivers=0 if vehicles_only or replay is not None else drivers,
        troublemakers=troublemakers if replay is None else 0.0,
        speed_factor=speed or (1.0 if replay is None else 60.0),
        memory=Path(config.data) / "simulator" / "city.json" if replay is None else None,
    )
    try:
        if replay is None:
            _live(plan)
        else:
            _replay(plan, replay, sample, config)
    except SimulatorError as error:
        raise CommandError(str(error)) from error


def _live(plan: "CityPlan") -> None:
    from isotope.cli._process import run_until_stopped
    from isotope.simulator.city import simulate
    from isotope.simulator.show import city_line

    if not sys.stdout.isatty():
        run_until_stopped(simulate(plan))
        return
    from rich.console import Console

    with Console().status("connecting") as status:
        run_until_stopped(simulate(plan, lambda *state: status.update(city_line(*state))))


def _replay(plan: "CityPlan", file: Path, count: int | None, config: Config) -> None:
    from rich.console import Console

    from isotope.cli._process import run_until_stopped
    from isotope.simulator import trips as trip_files
    from isotope.simulator.show import summary_table

    trips = trip_files.read_trips(file)
    if count is not None:
        trips = trip_files.sample(trips, count)
    console = Console()
    finished: list[Summary] = []

    async def ride() -> None:
        finished.append(await _ride(plan, trips, console))

    run_until_stopped(ride())
    if not finished:
        raise CommandError("stopped; open rides were ended")
    summary = finished[0]
    ledger = _ledger_faults(config)
    console.print(summary_table(summary, ledger))
    faults = [*summary.faults(), *(ledger or ())]
    for fault in faults:
        console.print(fault, style="red", markup=False)
    if faults:
        raise typer.Exit(1)
    console.print("every trip was ridden and paid, every vehicle is free, no ride is open", style="green")


async def _ride(plan: "CityPlan", trips: "list[Trip]", console: "Console") -> "Summary":
    from isotope.simulator.replay_city import replay_in_city
    from isotope.simulator.show import progress_bar

    with progress_bar(console) as bar:
        task = bar.add_task("trips", total=len(trips), note="connecting")

        def on_trip(summary: "Summary") -> None:
            refused = sum(summary.refusals.values())
            note = f"{refused} refusals, {len(summary.failures)} failed"
            bar.update(task, completed=summary.rides + len(summary.failures), note=note)

        return await replay_in_city(plan, trips, on_trip)


def _ledger_faults(config: Config) -> list[str] | None:
    """What is wrong in the store's books; None where the store is not within reach."""
    from isotope.cli._books import check_books
    from isotope.cli._process import with_store

    with contextlib.suppress(CommandError):
        return asyncio.run(check_books(with_store(config).database_url)).faults
    return None


def _gateway(config: Config, given: str | None) -> tuple[str, int]:
    host, colon, port = (given or f"{config.gateway_host}:{config.gateway_port}").rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) <= 65_535:  # noqa: PLR2004 - the last port
        raise CommandError(
            "where do units connect? Give --gateway HOST:PORT, as `isotope up` shows it, or ISOTOPE_GATEWAY_PORT"
        )
    return host.strip("[]"), int(port)
