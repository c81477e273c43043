"""Taxi drivers: they go online, wait somewhere, answer offers, drive, take cash, and rest.

Some decline, some let an offer pass, some lose the connection, some give a trip up. A driver lives in steps: each looks
at what there is now and does what is to be done about it. Whoever calls `step` says what time it is.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Final

import structlog

from isotope.infra.clock import Clock
from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import ApiRefused, ApiUnavailableError
from isotope.simulator.driver_app import DriverApp, Fix, Job, Offered, Work
from isotope.simulator.path import Path, nearby, street_path
from isotope.simulator.taxi_street import Area, Street

_log = structlog.get_logger(__name__)

_KMH: Final = 32.0
_THERE_M: Final = 15.0
_MOST_FIXES: Final = 100
_BOARDING_S: Final = (5.0, 40.0)
# Who promised a trip sets off so long before it.
_EARLY_S: Final = 480
# A phone that stands still says so now and then.
_STANDING: Final = timedelta(seconds=30)
_BREAK_S: Final = (60.0, 600.0)
BUSY_STEP_S: Final = 3.0
_FREE_STEP_S: Final = 8.0
_PROMISES_EVERY: Final = timedelta(seconds=30)
_REMEMBERED: Final = 500
_UNAUTHORIZED: Final = 401
_CENT: Final = Decimal("0.01")
_OUTAGE_REST_S: Final = 15.0


class Answer(StrEnum):
    """What a driver does about an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How often a driver does what, as chances (0..1), and for how long.

    Attributes:
        declines, ignores: of offers.
        gives_up: of trips that were accepted.
        loses_connection: of trips, on the way to the rider or with them; for so many seconds of `silent_s`.
        is_paid_less: of cash trips: the rider has not enough.
        takes_a_break: each time that there is nothing to do.
    """

    declines: float = 0.12
    ignores: float = 0.08
    gives_up: float = 0.04
    loses_connection: float = 0.08
    silent_s: tuple[float, float] = (20.0, 150.0)
    is_paid_less: float = 0.04
    takes_a_break: float = 0.002


MANNERS: Final = Manners()


def choose_answer(drawn: float, manners: Manners = MANNERS) -> Answer:
    """By a number drawn from 0 to 1.

    | drawn                        | answer  |
    |------------------------------|---------|
    | below `declines`             | DECLINE |
    | below `declines` + `ignores` | IGNORE  |
    | from there on                | ACCEPT  |
    """
    if drawn < manners.declines:
        return Answer.DECLINE
    return Answer.IGNORE if drawn < manners.declines + manners.ignores else Answer.ACCEPT


@dataclass(slots=True)
class _Mind:
    """What a driver has in mind about a trip, drawn when it is met first."""

    answer: Answer
    gives_up: bool
    silent_in: str
    pays: Decimal
    boards_at: datetime | None = None


class Driver:
    """One who drives.

    Args:
        app: of a driver whom the operator knows.
        area: where to wait; the driver begins somewhere in it.
        tally: counted there: `accepted`, `declined`, `let_pass`, `gave_up`, `silent`, `no_show`, `driven`, `promised`.
        refused: counted there, by code.
        speed_factor: how many times faster than in the world the driver moves.
    """

    def __init__(
        self,
        app: DriverApp,
        area: Area,
        street: Street,
        rng: Random,
        tally: Counter[str],
        refused: Counter[str],
        speed_factor: float = 1.0,
        manners: Manners = MANNERS,
    ) -> None:
        self._manners = manners
        self._app, self._area, self._street, self._rng = app, area, street, rng
        self._tally, self._refused, self._speed = tally, refused, speed_factor
        self.at = nearby(area.centre, area.radius_m, rng)
        self._path: Path | None = None
        self._along_m = 0.0
        self._moved_at: datetime | None = None
        self._vehicle_id: int | None = None
        self._fixes: list[Fix] = []
        self._sent_at: datetime | None = None
        self._sent: Point | None = None
        self._minds: dict[int, _Mind] = {}
        self._silent_until: datetime | None = None
        self._rests_until: datetime | None = None
        self._has_promises = False
        self._promises_at: datetime | None = None
        self._job_id: int | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the phone has no connection now."""
        return self._silent_until is not None

    @property
    def left_s(self) -> float:
        """Until the driver is where they go to, seconds; 0: they stand."""
        if self._path is None:
            return 0.0
        return (self._path.length_m - self._along_m) * 3.6 / _KMH / self._speed

    async def live(self, clock: Clock) -> None:
        """Until cancelled; then goes offline if no trip forbids it."""
        try:
            while True:
                wait_s = _OUTAGE_REST_S
                try:
                    wait_s = await self.step(clock.now())
                except ApiUnavailableError as error:
                    _log.warning("simulator.api_unavailable", error=str(error))
                except Exception:  # noqa: BLE001 - one driver's trouble does not end the city
                    _log.exception("simulator.driver_confused")
                await asyncio.sleep(wait_s * self._rng.uniform(0.8, 1.2) / self._speed)
        finally:
            if self._vehicle_id is not None:
                await asyncio.shield(asyncio.wait_for(self._leave(), 5))

    async def step(self, now: datetime) -> float:
        """Do what is to be done now; how many seconds later it is best called again."""
        self._move(now)
        if self._silent_until is not None:
            if now < self._silent_until:
                return BUSY_STEP_S
            self._silent_until = None
        if self._rests_until is not None and now < self._rests_until:
            return _FREE_STEP_S
        try:
            return await self._work(now)
        except ApiRefused as no:
            self._refused[no.code] += 1
            if no.status == _UNAUTHORIZED:
                self._vehicle_id = None
            return BUSY_STEP_S

    async def _work(self, now: datetime) -> float:
        if self._vehicle_id is None:
            self._vehicle_id = await self._app.log_in()
            self._street.time_zone = self._app.time_zone
        work = await self._app.work()
        if not work.is_online:
            self._fixes.clear()
            await self._app.go_online(self._vehicle_id, self.at)
            self._rests_until = None
            return BUSY_STEP_S
        if self._has_news(now):
            await self._app.send(self._fixes)
            self._sent_at, self._sent = now, self.at
            self._fixes.clear()
        await self._do(work, now)
        return BUSY_STEP_S if work.job is not None or work.offers else _FREE_STEP_S

    async def _do(self, work: Work, now: datetime) -> None:
        job = work.job
        self._job_id = None if job is None else job.id
        if job is not None:
            await self._drive(job, now)
        elif self._has_promises and (self._promises_at is None or now >= self._promises_at):
            self._promises_at = now + _PROMISES_EVERY
            await self._keep_promises(now)
        elif not work.offers and await self._takes_a_break(now):
            return
        elif self._path is None and self._rng.random() < 0.05:  # noqa: PLR2004 - every now and then, somewhere else
            self._go_to(nearby(self._area.centre, self._area.radius_m, self._rng), now)
        for offer in work.offers:
            if await self._answer(offer):
                return

    async def _answer(self, offer: Offered) -> bool:
        """Whether it was accepted."""
        mind = self._mind(offer.trip_id)
        if mind.answer is Answer.IGNORE:
            self._tally["let_pass"] += 1
            mind.answer = Answer.DECLINE if self._rng.random() < 0.05 else Answer.IGNORE  # noqa: PLR2004 - after all
            return False
        if mind.answer is Answer.DECLINE:
            await self._app.decline(offer.id, "too far")
            self._tally["declined"] += 1
            return False
        if not offer.later and self._job_id is not None:
            return False
        await self._app.accept(offer.id)
        self._tally["promised" if offer.later else "accepted"] += 1
        self._has_promises = self._has_promises or offer.later
        return True

    async def _keep_promises(self, now: datetime) -> None:
        promised = await self._app.promised()
        self._has_promises = bool(promised)
        soon = now.timestamp() + _EARLY_S
        due = next((job for job in promised if "SET_OFF" in job.actions and (job.at or 0) <= soon), None)
        if due is not None:
            await self._app.set_off(due.id)

    async def _drive(self, job: Job, now: datetime) -> None:
        mind = self._mind(job.id)
        if mind.silent_in == job.status and self._path is not None:
            mind.silent_in = ""
            self._silent_until = now + timedelta(seconds=self._rng.uniform(*self._manners.silent_s) / self._speed)
            self._tally["silent"] += 1
            return
        match job.status:
            case "ACCEPTED" if mind.gives_up:
                self._path = None
                await self._app.give_up(job.id, "the car broke down")
                self._tally["gave_up"] += 1
            case "ACCEPTED":
                if self._is_at(job.points[0], now):
                    await self._app.arrive(job.id)
            case "ARRIVED":
                await self._wait(job, mind, now)
            case "STARTED":
                await self._carry(job, now)
            case "ENDED" if job.cash_due > 0:
                await self._app.take_cash(job.id, (job.cash_due * mind.pays).quantize(_CENT))

    async def _wait(self, job: Job, mind: _Mind, now: datetime) -> None:
        if mind.boards_at is None:
            # Nobody comes before the time that was agreed.
            agreed = now if job.at is None else max(now, datetime.fromtimestamp(job.at, UTC))
            mind.boards_at = agreed + timedelta(seconds=self._rng.uniform(*_BOARDING_S) / self._speed)
        if job.id in self._street.absent:
            if "NO_SHOW" in job.actions:
                await self._app.give_up(job.id, "no_show")
                self._tally["no_show"] += 1
        elif now >= mind.boards_at and (not job.pin_required or job.id in self._street.pins):
            await self._app.start(job.id, self._street.pins.get(job.id))

    async def _carry(self, job: Job, now: datetime) -> None:
        target = job.points[-1 if job.next_stop is None else job.next_stop]
        if not self._is_at(target, now):
            return
        if job.next_stop is not None:
            await self._app.reach_stop(job.id, job.next_stop)
            return
        await self._app.end(job.id)
        self._tally["driven"] += 1

    async def _takes_a_break(self, now: datetime) -> bool:
        if self._has_promises or self._rng.random() >= self._manners.takes_a_break:
            return False
        await self._app.go_offline()
        self._rests_until = now + timedelta(seconds=self._rng.uniform(*_BREAK_S) / self._speed)
        self._tally["breaks"] += 1
        return True

    def _has_news(self, now: datetime) -> bool:
        if not self._fixes:
            return False
        return self._sent_at is None or self.at != self._sent or now - self._sent_at >= _STANDING

    def _mind(self, trip_id: int) -> _Mind:
        if trip_id not in self._minds:
            while len(self._minds) >= _REMEMBERED:
                del self._minds[next(iter(self._minds))]
            rng, manners = self._rng, self._manners
            self._minds[trip_id] = _Mind(
                answer=choose_answer(rng.random(), manners),
                gives_up=rng.random() < manners.gives_up,
                silent_in=rng.choice(("ACCEPTED", "STARTED")) if rng.random() < manners.loses_connection else "",
                pays=Decimal("0.8") if rng.random() < manners.is_paid_less else Decimal(1),
            )
        return self._minds[trip_id]

    def _is_at(self, target: Point, now: datetime) -> bool:
        """Whether the driver stands there; goes there if not."""
        if distance_m(self.at, target) <= _THERE_M:
            self._path = None
            return True
        if self._path is None or distance_m(self._path.end, target) > _THERE_M:
            self._go_to(target, now)
        return False

    def _go_to(self, target: Point, now: datetime) -> None:
        self._path, self._along_m, self._moved_at = street_path(self.at, target, self._rng), 0.0, now

    def _move(self, now: datetime) -> None:
        """Along the path, for as long as it has been since the last time; the phone keeps where it was."""
        if self._path is not None and self._moved_at is not None:
            seconds = max(0.0, (now - self._moved_at).total_seconds())
            self._along_m += seconds * _KMH / 3.6 * self._speed
            self.at = self._path.at(self._along_m)
            if self._along_m >= self._path.length_m:
                self._path = None
        self._moved_at = now
        self._fixes = [*self._fixes[1 - _MOST_FIXES :], Fix(int(now.timestamp()), self.at)]

    async def _leave(self) -> None:
        try:
            await self._app.go_offline()
        except (ApiRefused, ApiUnavailableError) as error:
            _log.info("simulator.driver_left_online", error=str(error))
