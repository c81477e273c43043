"""The way of a report, in order. What one unit sends stays in the order in which it sent it.

socket -> frame     `iot.lines`, `server`: cut into lines, capped
       -> report    `iot.json_lines`: decoded, or a bad frame
       -> STEPS     identity, repetition, clock, values, position (`plausibility`), the session's knowledge
       -> BATCH     live state, history (`fleet.apply_reports`), one transaction of many reports
       -> ok        to the unit, after the commit and never before
       -> zones     `zone_watch`: what zones do to those that are ridden, beside the way
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from isotope.domain.devices.model import Motion
from isotope.domain.fleet import AppliedReports
from isotope.gateway.limits import Limits
from isotope.gateway.plausibility import UnitMemory, Verdict, judge
from isotope.gateway.session import Session, mask
from isotope.infra.db import Tx
from isotope.infra.metrics import DEVICE_REPORT_SECONDS, DEVICE_REPORTS
from isotope.infra.runtime import Runtime
from isotope.iot.model import Report, ReportOk, StateReport
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import DeviceId

_log = structlog.get_logger(__name__)

ApplyReports = Callable[[Tx, Sequence[StateReport]], Awaitable[AppliedReports]]

_RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class Passage:
    """One report on its way. `state` is what will be stored; None: nothing, and still it is acknowledged."""

    session: Session
    report: Report
    received_at: datetime
    received_s: float
    flags: tuple[str, ...] = ()
    verdict: Verdict = Verdict.LIVE
    state: StateReport | None = None


def judge_content(passage: Passage) -> None:
    """Plausibility: repetition, clock, values, position."""
    judged = judge(passage.report, passage.session.memory, passage.received_at)
    passage.report, passage.verdict, passage.flags = judged.report, judged.verdict, judged.flags


def name_sender(passage: Passage) -> None:
    """Identity: a report is of the unit that the socket logged in as, and of no other."""
    if passage.verdict in (Verdict.DROPPED, Verdict.REPEATED):
        return
    device, report = passage.session.device, passage.report
    passage.state = StateReport(
        operator_id=device.operator_id,
        device_id=device.id,
        received_at=passage.received_at,
        device_at=report.device_at,
        fix_at=report.fix_at,
        lat=report.lat,
        lon=report.lon,
        speed_kmh=report.speed_kmh,
        battery_pct=report.battery_pct,
        iot_battery_pct=report.iot_battery_pct,
        locked=report.locked,
        odometer_m=report.odometer_m,
        event=report.event,
        buffered=report.buffered,
        flags=passage.flags,
    )


def learn_motion(passage: Passage) -> None:
    """The session's knowledge, for commands that are about to be written."""
    if passage.verdict is Verdict.LIVE and passage.report.speed_kmh is not None:
        passage.session.motion = Motion(speed_kmh=passage.report.speed_kmh, seen_at=passage.received_at)


STEPS: Final[Sequence[Callable[[Passage], None]]] = (judge_content, name_sender, learn_motion)


async def write_states(tx: Tx, apply_reports: ApplyReports, batch: Sequence[Passage]) -> AppliedReports:
    """Live state and history, durable when the transaction commits."""
    states = [passage.state for passage in batch if passage.state is not None]
    return await apply_reports(tx, states) if states else AppliedReports()


def acknowledge(batch: Sequence[Passage], now_s: float) -> None:
    """Tell the units, each in one go; those that have gone will send again and be told then."""
    by_session: dict[Session, list[ReportOk]] = defaultdict(list)
    for passage in batch:
        by_session[passage.session].append(ReportOk(seq=passage.report.seq))
        DEVICE_REPORTS.labels(passage.verdict.value).inc()
        DEVICE_REPORT_SECONDS.observe(now_s - passage.received_s)
    for session, oks in by_session.items():
        session.wire.send(*oks)


@dataclass(slots=True)
class ReportChain:
    """The steps with their batches: one write at a time, at most every `batch_s`, of at most `batch_rows`."""

    rt: Runtime
    apply_reports: ApplyReports
    limits: Limits
    written: Callable[[AppliedReports], None]
    """Told after every commit, before the units are."""
    _pending: list[Passage] = field(default_factory=list)
    _some: asyncio.Event = field(default_factory=asyncio.Event)
    _space: asyncio.Event = field(default_factory=asyncio.Event)
    _memories: OrderedDict[DeviceId, UnitMemory] = field(default_factory=OrderedDict)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._space.set()

    @property
    def pending(self) -> int:
        return len(self._pending)

    def memory_of(self, device_id: DeviceId) -> UnitMemory:
        """What is known of the unit from before, here."""
        memory = self._memories.setdefault(device_id, UnitMemory())
        self._memories.move_to_end(device_id)
        if len(self._memories) > self.limits.known_units:
            self._memories.popitem(last=False)
        return memory

    async def take(self, session: Session, report: Report) -> None:
        """Bring a report on its way. Waits while too many wait for the store, so that its socket is not read."""
        while self._stopping or len(self._pending) >= self.limits.pending:
            self._space.clear()
            await self._space.wait()
        passage = Passage(session, report, self.rt.clock.now(), asyncio.get_running_loop().time())
        for step in STEPS:
            step(passage)
        self._pending.append(passage)
        self._some.set()

    async def run(self) -> None:
        """Write batches until `stop`; then what is left, and end."""
        loop = asyncio.get_running_loop()
        written_s = -self.limits.batch_s
        while not (self._stopping and not self._pending):
            if not self._pending:
                self._some.clear()
                await self._some.wait()
                continue
            wait_s = written_s + self.limits.batch_s - loop.time()
            if wait_s > 0 and len(self._pending) < self.limits.batch_rows and not self._stopping:
                await asyncio.sleep(min(wait_s, self.limits.batch_s / 4))
                continue
            written_s = loop.time()
            batch = self._pending[: self.limits.batch_rows]
            await self._write(batch)
            del self._pending[: len(batch)]
            self._space.set()

    def stop(self) -> None:
        self._stopping = True
        self._some.set()

    async def _write(self, batch: Sequence[Passage]) -> None:
        """Until it is in the store, however long the store is away; a batch with a poisoned report is split."""
        failures = 0
        while True:
            try:
                async with self.rt.db.write() as tx:
                    applied = await write_states(tx, self.apply_reports, batch)
            except Refusal as refusal:
                if failures == 0:
                    _log.warning("gateway.store_away", why=refusal.code, pending=len(self._pending))
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1
            except Exception as error:  # noqa: BLE001 - whatever one report does, the others go on
                if len(batch) == 1:
                    self._bury(batch[0], error)
                    break
                half = len(batch) // 2
                await self._write(batch[:half])
                await self._write(batch[half:])
                return
            else:
                self.written(applied)
                break
        acknowledge(batch, asyncio.get_running_loop().time())

    def _bury(self, passage: Passage, error: Exception) -> None:
        # One report costs itself and never the loop. It is acknowledged: otherwise it would come for ever.
        passage.verdict = Verdict.DROPPED
        _log.error(
            "gateway.report_poisoned",
            device=mask(passage.session.device.identity),
            error=type(error).__name__,
            exc_info=error,
        )
