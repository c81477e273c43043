"""What can be rented where, in the memory of this process, fed by the change feed of the store.

The store decides, the memory shows. A notification names changed vehicles; their rows are read again in one query,
at most every `COALESCE_S`. Since notifications can be lost, everything is read again when the hub was deaf, and in small
steps every few minutes. One task writes the map, so what is read later is always at least as new.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from isotope.domain.fleet.catalogs import Catalog, Catalogs
from isotope.domain.fleet.channels import CATALOG_CHANGED, VEHICLE_CHANGED
from isotope.domain.fleet.live_columns import (
    NO_MINIMUM,
    NOTHING,
    NUMBER_OF_TYPE,
    Around,
    FleetColumns,
    LiveVehicle,
    VehicleRows,
)
from isotope.domain.fleet.live_feed import FeedRows, Key, ModelFacts, load_models, read_rows_after, read_rows_of
from isotope.domain.tenants.model import Operator
from isotope.infra.db import store_unavailable
from isotope.infra.runtime import Runtime
from isotope.infra.tasks import end_task
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import ModelId, OperatorId, VehicleId

COALESCE_S: Final = 0.1
MAX_BEHIND_S: Final = 2.0
"""A map that is known to be older answers with a 503 instead."""
SWEEP_EVERY_S: Final = 300.0
MAX_SHOWN: Final = 2_000
"""How many vehicles one answer has at most."""

_FULL_SPEED_ROWS: Final = 25_000
# Small enough that no request waits noticeably behind a step of the sweep.
_CALM_ROWS: Final = 500
_CALM_PAUSE_S: Final = 0.05
_READ_AT_ONCE: Final = 5_000
_MAX_PENDING: Final = 50_000
_LOAD_WAIT_S: Final = 10.0
_FIRST: Final[Key] = (OperatorId(0), VehicleId(0))
_BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0)


@dataclass(slots=True)
class _Sweep:
    """All vehicles are read again, in the order of their keys; `after` is how far it is."""

    is_urgent: bool
    since: float
    after: Key = _FIRST


class LiveMap:
    """Make it before the hub is started; then `start()`. Asking it takes no time and no database."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._catalogs = Catalogs(rt)
        self._fleets: dict[OperatorId, FleetColumns] = defaultdict(FleetColumns)
        self._models: dict[tuple[OperatorId, ModelId], ModelFacts] = {}
        self._pending: set[Key] = set()
        # Vehicles that this process took: reads that began before do not bring them back.
        self._drops: dict[Key, int] = {}
        self._drop_number = 0
        self._sweep: _Sweep | None = None
        # Since when something is known to be missing (times of the loop): told but not read yet, being read, perhaps
        # told while the hub was deaf.
        self._pending_since: float | None = None
        self._reading_since: float | None = None
        self._deaf_since: float | None = None
        self._wake = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        rt.hub.subscribe(VEHICLE_CHANGED, self._on_changed, self._on_reset)
        rt.hub.subscribe(CATALOG_CHANGED, lambda _operator_id: self._sweep_now())

    async def start(self) -> None:
        """Read everything; returns when it is there (or goes on trying behind if the store is away)."""
        self._sweep_now()
        self._task = asyncio.create_task(self._run(), name="live map")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOAD_WAIT_S):
                await self._loaded.wait()

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    @property
    def is_loaded(self) -> bool:
        """Whether everything was read once."""
        return self._loaded.is_set()

    def behind_s(self) -> float:
        """For how long something has been known to be missing, in seconds; 0: up to date as far as was told.

        Infinite after the hub was deaf, until everything was read again: nobody knows what was not heard.
        """
        now = asyncio.get_running_loop().time()
        if self._rt.hub.is_listening:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = now
        swept_since = self._sweep.since if self._sweep is not None and self._sweep.is_urgent else None
        known = (self._pending_since, self._reading_since, swept_since, self._deaf_since)
        return max((now - since for since in known if since is not None), default=0.0)

    def count(self) -> int:
        """How many vehicles of all operators are in memory, for metrics."""
        return sum(len(fleet) for fleet in self._fleets.values())

    async def catalog(self, operator_id: OperatorId) -> Catalog:
        """The operator's models, add-ons and tariffs, from memory as long as nothing changes."""
        return await self._catalogs.get(operator_id)

    def within(
        self, operator: Operator, point: Point, radius_m: float, *, now: datetime, limit: int = MAX_SHOWN
    ) -> list[LiveVehicle]:
        """The vehicles that can be rented now, at most `radius_m` away, nearest first, at most `limit`.

        These are READY, charged to the model's or the operator's minimum, and heard of within `silent_after_s`.

        Raises:
            Refusal: `store_unavailable`: the map is not loaded, or too far behind.
        """
        return self.look_around(operator, point, radius_m, now=now, limit=limit).vehicles

    def look_around(
        self, operator: Operator, point: Point, radius_m: float, *, now: datetime, limit: int = MAX_SHOWN
    ) -> Around:
        """As `within`, with how many there are in all and where those are that were left out."""
        if not self.is_loaded or self.behind_s() > MAX_BEHIND_S:
            raise store_unavailable()
        fleet = self._fleets.get(operator.id)
        if fleet is None:
            return NOTHING
        settings = operator.settings.rides
        return fleet.within(
            point,
            radius_m,
            seen_after_s=now.timestamp() - settings.silent_after_s,
            minimum_pct=settings.minimum_battery_pct,
            limit=min(limit, MAX_SHOWN),
        )

    def get(self, operator_id: OperatorId, vehicle_id: VehicleId) -> LiveVehicle | None:
        """The vehicle as last told, whether it can be rented or not; None: unknown, or without any position."""
        fleet = self._fleets.get(operator_id)
        return None if fleet is None else fleet.get(vehicle_id)

    def drop(self, operator_id: OperatorId, vehicle_id: VehicleId) -> None:
        """Show it no more, at once. For whoever took it, after the commit (`tx.after_commit`)."""
        self._drop_number += 1
        self._drops[operator_id, vehicle_id] = self._drop_number
        if operator_id in self._fleets:
            self._fleets[operator_id].hide(vehicle_id)

    # The feed.

    def _on_changed(self, payload: str) -> None:
        for pair in payload.split(","):
            operator_id, _, vehicle_id = pair.partition(":")
            if operator_id.isdecimal() and vehicle_id.isdecimal():
                self._pending.add((OperatorId(int(operator_id)), VehicleId(int(vehicle_id))))
        if len(self._pending) > _MAX_PENDING:
            self._pending.clear()
            self._pending_since = None
            self._sweep_now()
        elif self._pending and self._pending_since is None:
            self._pending_since = asyncio.get_running_loop().time()
        self._wake.set()

    def _on_reset(self) -> None:
        self._sweep = _Sweep(is_urgent=True, since=float("-inf"))
        self._wake.set()

    def _sweep_now(self) -> None:
        """Read everything again as fast as possible."""
        since = asyncio.get_running_loop().time()
        if self._sweep is not None and self._sweep.is_urgent:
            since = self._sweep.since
        self._sweep = _Sweep(is_urgent=True, since=since)
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_sweep_at = loop.time() + SWEEP_EVERY_S
        next_read_at = 0.0
        failures = 0
        while True:
            try:
                if self._pending and loop.time() >= next_read_at:
                    next_read_at = loop.time() + COALESCE_S
                    await self._read_pending()
                elif self._sweep is not None:
                    await self._sweep_step(self._sweep)
                    next_sweep_at = loop.time() + SWEEP_EVERY_S
                elif loop.time() >= next_sweep_at:
                    self._sweep = _Sweep(is_urgent=False, since=loop.time())
                else:
                    await self._sleep(next_read_at if self._pending else next_sweep_at)
                failures = 0
            except Refusal as refusal:
                structlog.get_logger(__name__).warning("live_map.behind", reason=refusal.code)
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
            except Exception:  # noqa: BLE001 - one row that cannot be read must not end the feed; the log says it
                structlog.get_logger(__name__).exception("live_map.failed")
                await asyncio.sleep(_BACKOFF_S[-1])

    async def _sleep(self, until: float) -> None:
        """Until then, or until something new happens."""
        self._wake.clear()
        wait_s = until - asyncio.get_running_loop().time()
        if self._pending:
            await asyncio.sleep(max(0.0, wait_s))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._wake.wait()

    async def _read_pending(self) -> None:
        keys, self._pending = sorted(self._pending), set()
        self._reading_since, self._pending_since = self._pending_since, None
        read = 0
        try:
            while read < len(keys):
                batch = keys[read : read + _READ_AT_ONCE]
                drops_before = self._drop_number
                async with self._rt.db.read() as tx:
                    rows = await read_rows_of(tx, batch)
                await self._put(rows, drops_before)
                read += len(batch)
        except BaseException:
            self._pending.update(keys[read:])
            self._pending_since = self._reading_since
            raise
        finally:
            self._reading_since = None

    async def _sweep_step(self, sweep: _Sweep) -> None:
        limit = _FULL_SPEED_ROWS if sweep.is_urgent else _CALM_ROWS
        drops_before = self._drop_number
        async with self._rt.db.read() as tx:
            if sweep.after == _FIRST:
                self._models = await load_models(tx)
            rows = await read_rows_after(tx, sweep.after, limit)
        await self._put(rows, drops_before)
        if len(rows) == limit:
            sweep.after = rows.last
            await asyncio.sleep(0.0 if sweep.is_urgent else _CALM_PAUSE_S)
        elif self._sweep is sweep:  # otherwise it was asked for again meanwhile
            self._sweep = None
            self._loaded.set()

    async def _put(self, rows: FeedRows, drops_before: int) -> None:
        if not rows.models() <= self._models.keys():
            async with self._rt.db.read() as tx:
                self._models = await load_models(tx)
        # From here on nothing is awaited: what this process takes meanwhile would come back.
        for operator_id in np.unique(rows.operator_ids).tolist():
            places = np.flatnonzero(rows.operator_ids == operator_id)
            if self._drops:
                places = places[self._is_not_dropped(operator_id, rows.ids[places].tolist(), drops_before)]
            model_ids, model_of = np.unique(rows.model_ids[places], return_inverse=True)
            models = [self._models[operator_id, model_id] for model_id in model_ids.tolist()]
            types = np.array([NUMBER_OF_TYPE[model.vehicle_type] for model in models], dtype=np.int16)
            offered = np.array([model.is_offered for model in models], dtype=np.bool_)
            least = [NO_MINIMUM if model.minimum_pct is None else model.minimum_pct for model in models]
            self._fleets[operator_id].put(
                VehicleRows(
                    ids=rows.ids[places].tolist(),
                    nrs=[rows.nrs[place] for place in places.tolist()],
                    model_ids=rows.model_ids[places],
                    types=types[model_of],
                    is_ready=rows.is_ready[places] & offered[model_of],
                    lat=rows.lat[places],
                    lon=rows.lon[places],
                    battery_pct=rows.battery_pct[places],
                    minimum_pct=np.array(least, dtype=np.int16)[model_of],
                    seen_s=rows.seen_s[places],
                )
            )

    def _is_not_dropped(
        self, operator_id: OperatorId, vehicle_ids: Sequence[VehicleId], drops_before: int
    ) -> NDArray[np.bool_]:
        """Which of these were not taken by this process after the reading began: it may be from before."""
        kept = np.ones(len(vehicle_ids), dtype=np.bool_)
        for place, vehicle_id in enumerate(vehicle_ids):
            dropped = self._drops.get((operator_id, vehicle_id))
            if dropped is not None and dropped > drops_before:
                kept[place] = False
            elif dropped is not None:
                del self._drops[operator_id, vehicle_id]
        return kept
