"""Hundreds of units in one process: time passes for them, they report, they can be ridden.

The methods that take a vehicle number are the control channel of simulated riders: where a rider rides, the
vehicle is moved along the line.
"""

import asyncio
import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from random import Random
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

import structlog
import yaml

from isotope.infra.clock import Clock, SystemClock
from isotope.kernel.geo import Point
from isotope.simulator import battery
from isotope.simulator.errors import FleetFileError
from isotope.simulator.link import Link
from isotope.simulator.path import Path, nearby
from isotope.simulator.unit import Unit, UnitState

_log = structlog.get_logger(__name__)

RIDING_INTERVAL_S: Final = 3.0
_CONNECTS_PER_S: Final = 150.0
_GPS_JUMP_M: Final = 40_000.0
_CAR_RANGE_KM: Final = 300.0


def load_units(folder: FilePath) -> list[Unit]:
    """The vehicles of an operator's folder (`vehicles.csv`) that have a box; how far a car goes, `models.yaml` says.

    Raises:
        FleetFileError: a file is not there or cannot be read, or a line lacks what a unit needs.
    """
    path = folder / "vehicles.csv"
    ranges_m = _ranges_of_cars(folder / "models.yaml")
    units: list[Unit] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if not row.get("device_identity"):
                    continue
                unit = Unit(
                    nr=row["nr"],
                    identity=row["device_identity"],
                    secret=row["device_secret"],
                    model=row["model"],
                    position=Point(float(row["lat"]), float(row["lon"])),
                    battery_pct=float(row.get("battery_pct") or 100),
                )
                if unit.model in ranges_m:
                    unit.range_m, unit.charge_below_pct = ranges_m[unit.model], battery.CAR_CHARGE_BELOW_PCT
                    # No car is new; and an odometer of 0 says that the unit has none. The same at every start.
                    unit.odometer_m = 1_000.0 * (5_000 + crc32(unit.identity.encode()) % 60_000)
                units.append(unit)
    except OSError as error:
        raise FleetFileError(f"{path}: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise FleetFileError(f"{path}: after {len(units)} vehicles: {error}") from error
    if not units:
        raise FleetFileError(f"{path}: no vehicle with device_identity and device_secret")
    return units


def _ranges_of_cars(path: FilePath) -> Mapping[str, float]:
    """Metres on a full battery or tank, by model. Without such a file nothing is known to be a car."""
    try:
        models: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        return {
            ref: float(model.get("range_km") or _CAR_RANGE_KM) * 1000
            for ref, model in models.items()
            if model.get("vehicle_type") == "CAR"
        }
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise FleetFileError(f"{path}: {error}") from error


class SimulatedFleet:
    """Use as a context: on entry all units begin to connect, on exit they are gone.

    Args:
        units: the vehicles.
        host: of the gateway.
        port: of the gateway.
        tick_s: how often time passes for them; short when rides are accelerated.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        host: str,
        port: int,
        *,
        tick_s: float = 1.0,
        rng: Random | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rng = rng or Random()
        self._clock = clock or SystemClock()
        self._tick_s = tick_s
        self._contact = asyncio.Event()
        self._links = {unit.nr: self._link(unit, host, port) for unit in units}
        self._due_s = dict.fromkeys(self._links, 0.0)
        self._arrivals: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, nr: str) -> bool:
        return nr in self._links

    def __len__(self) -> int:
        return len(self._links)

    @property
    def connected(self) -> int:
        return sum(link.is_connected for link in self._links.values())

    def unit(self, nr: str) -> Unit:
        return self._links[nr].unit

    def units(self) -> Iterable[Unit]:
        return (link.unit for link in self._links.values())

    def is_connected(self, nr: str) -> bool:
        return self._links[nr].is_connected

    async def __aenter__(self) -> Self:
        for nr, link in self._links.items():
            delay_s = self._rng.uniform(0, len(self._links) / _CONNECTS_PER_S)
            self._spawn(link.run(first_delay_s=delay_s), f"unit {nr}")
        self._spawn(self._let_time_pass(), "fleet ticker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_connected(self, share: float, timeout_s: float) -> bool:
        """Wait until that share (0..1) of the units is in contact; False if not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.connected < share * len(self):
                    self._contact.clear()
                    await self._contact.wait()
                return True
        return False

    async def ride(self, nr: str, path: Path, *, seconds: float, shown_kmh: float) -> None:
        """Move the vehicle along `path`; returns when it is there and the gateway knows it (or is out of reach)."""
        arrived = self._arrivals[nr] = asyncio.Event()
        self.unit(nr).send_on(path, seconds=seconds, shown_kmh=shown_kmh)
        try:
            await arrived.wait()
        finally:
            self._arrivals.pop(nr, None)
            self.unit(nr).errand = None
        await self.settle(nr, event="stopped")

    async def place(self, nr: str, point: Point) -> bool:
        """Carry a vehicle to `point`; True when the gateway has written its report of it."""
        self.unit(nr).carry_to(point)
        return await self.settle(nr)

    async def settle(self, nr: str, *, event: str = "periodic", timeout_s: float = 5.0) -> bool:
        """Report now, and wait until the gateway has written it; False if it has not in time.

        Twice, because a gateway may doubt one position that is far from the last: accelerated rides are such.
        """
        link = self._links[nr]
        first, second = link.report(event), link.report()
        return await link.confirmed(first, timeout_s) and await link.confirmed(second, timeout_s)

    def memory(self) -> dict[str, UnitState]:
        return {unit.nr: unit.memory() for unit in self.units()}

    def _link(self, unit: Unit, host: str, port: int) -> Link:
        rng = Random(self._rng.random())
        return Link(unit, host, port, clock=self._clock, rng=rng, on_contact=self._contact.set)

    def _spawn(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("simulator.task_died", task=task.get_name(), exc_info=error)

    async def _let_time_pass(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(self._tick_s)
            now = loop.time()
            for nr, link in self._links.items():
                self._pass(nr, link, now, now - before)
            before = now

    def _pass(self, nr: str, link: Link, now: float, seconds: float) -> None:
        unit = link.unit
        if unit.advance(seconds) and (arrived := self._arrivals.get(nr)) is not None:
            arrived.set()
        interval_s = link.interval_s if unit.errand is None else min(RIDING_INTERVAL_S, link.interval_s)
        if now >= self._due_s[nr]:
            # Not all at once: the first report of each comes somewhere within its interval.
            spread = self._rng.uniform(0.1, 1.0) if self._due_s[nr] == 0 else 1.0
            if self._due_s[nr] != 0:
                link.report("periodic" if unit.errand is None else "moved")
            self._due_s[nr] = now + interval_s * spread
        elif unit.errand is not None:
            self._due_s[nr] = min(self._due_s[nr], now + RIDING_INTERVAL_S)
        self._misbehave(link, seconds)

    def _misbehave(self, link: Link, seconds: float) -> None:
        manners = link.unit.manners
        if link.is_connected and self._rng.random() < manners.losses_per_hour * seconds / 3600:
            link.lose_contact(manners.silence_s * self._rng.uniform(0.2, 1.8))
        if self._rng.random() < manners.gps_jumps_per_hour * seconds / 3600:
            link.report(at=nearby(link.unit.position, _GPS_JUMP_M, self._rng))
