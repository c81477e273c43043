"""What units report: the newest becomes the live state, all of it becomes history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from isotope.domain.fleet.channels import IDS_PER_NOTICE, VEHICLE_CHANGED
from isotope.domain.fleet.model import NEVER
from isotope.infra.db import Tx
from isotope.iot.model import StateReport
from isotope.kernel.ids import DeviceId, OperatorId, VehicleId

_FACTS: Final = ("speed_kmh", "battery_pct", "iot_battery_pct", "locked", "odometer_m")


class LiveChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch makes of one vehicle's live state. None: the batch does not say."""

    operator_id: OperatorId
    device_id: DeviceId
    fix_at: datetime
    lat: float | None
    lon: float | None
    reported_at: datetime
    speed_kmh: float | None
    battery_pct: int | None
    iot_battery_pct: int | None
    locked: bool | None
    odometer_m: int | None
    seen_at: datetime


def fold_reports(reports: Iterable[StateReport]) -> list[LiveChange]:
    """One change for each unit, in the order of their ids, so that writers lock rows in the same order.

    The position is that of the newest fix, each other fact that of the newest report which tells it. Buffered
    reports are late by nature and change nothing. Clocks that run ahead of ours count as ours: otherwise one wrong
    report would outlive all right ones.
    """
    by_device: dict[tuple[OperatorId, DeviceId], list[StateReport]] = defaultdict(list)
    for report in reports:
        if not report.buffered:
            by_device[report.operator_id, report.device_id].append(report)
    return [_fold(of_device) for _key, of_device in sorted(by_device.items(), key=lambda item: item[0])]


def _fold(reports: list[StateReport]) -> LiveChange:
    reports.sort(key=lambda report: min(report.device_at, report.received_at))
    facts: dict[str, Any] = dict.fromkeys(_FACTS)
    fix_at, lat, lon = NEVER, None, None
    for report in reports:
        for name in _FACTS:
            told = getattr(report, name)
            if told is not None:
                facts[name] = told
        if report.is_position_live and report.fix_at is not None:
            at = min(report.fix_at, report.received_at)
            if at >= fix_at:
                fix_at, lat, lon = at, report.lat, report.lon
    newest = reports[-1]
    return LiveChange(
        operator_id=newest.operator_id,
        device_id=newest.device_id,
        fix_at=fix_at,
        lat=lat,
        lon=lon,
        reported_at=min(newest.device_at, newest.received_at),
        seen_at=max(report.received_at for report in reports),
        **facts,
    )


# The batch comes as JSON: arrays for `unnest` cost the driver ten times as much to write.
# A unit without a vehicle is nobody's: the join leaves its reports out. A row that has no position yet waits for one.
_APPLY: Final = """
    with given as (
        select * from jsonb_to_recordset(%(reports)s::jsonb) as r (
            operator_id bigint, device_id bigint, received_at timestamptz, device_at timestamptz, fix_at timestamptz,
            lat float8, lon float8, speed_kmh real, battery_pct smallint, iot_battery_pct smallint, locked boolean,
            odometer_m bigint, event text, buffered boolean, flags text[])
    ), history as (
        insert into vehicle_report (operator_id, vehicle_id, received_at, device_at, fix_at, lat, lon, speed_kmh,
                                    battery_pct, iot_battery_pct, locked, odometer_m, event, buffered, flags)
        select r.operator_id, v.id, r.received_at, r.device_at, r.fix_at, r.lat, r.lon, r.speed_kmh, r.battery_pct,
               r.iot_battery_pct, r.locked, r.odometer_m, r.event, r.buffered, r.flags
          from given r join vehicle v on v.operator_id = r.operator_id and v.device_id = r.device_id
    ), newest as (
        select * from jsonb_to_recordset(%(changes)s::jsonb) as r (
            operator_id bigint, device_id bigint, fix_at timestamptz, lat float8, lon float8, reported_at timestamptz,
            speed_kmh real, battery_pct smallint, iot_battery_pct smallint, locked boolean, odometer_m bigint,
            seen_at timestamptz)
    ), live as (
        insert into vehicle_state as s (operator_id, vehicle_id, lat, lon, fix_at, reported_at, speed_kmh, battery_pct,
                                        iot_battery_pct, locked, odometer_m, seen_at)
        select r.operator_id, v.id, coalesce(r.lat, has.lat), coalesce(r.lon, has.lon), r.fix_at, r.reported_at,
               r.speed_kmh, r.battery_pct, r.iot_battery_pct, r.locked, r.odometer_m, r.seen_at
          from newest r
          join vehicle v on v.operator_id = r.operator_id and v.device_id = r.device_id
          left join vehicle_state has on has.operator_id = v.operator_id and has.vehicle_id = v.id
         where r.lat is not null or has.lat is not null
         order by r.operator_id, v.id
        on conflict (operator_id, vehicle_id) do update set
            lat = case when excluded.fix_at >= s.fix_at then excluded.lat else s.lat end,
            lon = case when excluded.fix_at >= s.fix_at then excluded.lon else s.lon end,
            fix_at = greatest(excluded.fix_at, s.fix_at),
            speed_kmh = case when excluded.reported_at >= s.reported_at
                             then coalesce(excluded.speed_kmh, s.speed_kmh) else s.speed_kmh end,
            battery_pct = case when excluded.reported_at >= s.reported_at
                               then coalesce(excluded.battery_pct, s.battery_pct) else s.battery_pct end,
            iot_battery_pct = case when excluded.reported_at >= s.reported_at
                                   then coalesce(excluded.iot_battery_pct, s.iot_battery_pct) else s.iot_battery_pct end,
            locked = case when excluded.reported_at >= s.reported_at
                          then coalesce(excluded.locked, s.locked) else s.locked end,
            odometer_m = case when excluded.reported_at >= s.reported_at
                              then coalesce(excluded.odometer_m, s.odometer_m) else s.odometer_m end,
            reported_at = greatest(excluded.reported_at, s.reported_at),
            seen_at = greatest(excluded.seen_at, s.seen_at)
        returning s.operator_id, s.vehicle_id
    ), numbered as (
        select live.operator_id || ':' || live.vehicle_id as id, (row_number() over () - 1) / %(ids_per_notice)s as notice,
               v.status = 'IN_USE' as in_use
          from live join vehicle v on v.operator_id = live.operator_id and v.id = live.vehicle_id
    )
    select count(*), string_agg(id, ',') filter (where in_use), pg_notify(%(channel)s, string_agg(id, ','))
      from numbered group by notice
"""


class AppliedReports(msgspec.Struct, frozen=True, kw_only=True):
    """How many vehicles' live states a batch wrote, and those of them that a journey has now."""

    vehicles: int = 0
    in_use: tuple[tuple[OperatorId, VehicleId], ...] = ()


async def apply_reports(tx: Tx, reports: Sequence[StateReport]) -> AppliedReports:
    """Write a batch in one statement and tell what changed.

    Reports of units that sit in no vehicle are left out. Applying a batch twice changes the live state once; its
    history is then there twice.
    """
    if not reports:
        return AppliedReports()
    params = {
        "reports": msgspec.json.encode(reports).decode(),
        "changes": msgspec.json.encode(fold_reports(reports)).decode(),
        "channel": VEHICLE_CHANGED,
        "ids_per_notice": IDS_PER_NOTICE,
    }
    rows = await tx.tuples(_APPLY, params)
    names = [name.split(":") for _count, in_use, _notified in rows if in_use for name in in_use.split(",")]
    return AppliedReports(
        vehicles=sum(int(row[0]) for row in rows),
        in_use=tuple((OperatorId(int(operator_id)), VehicleId(int(vehicle_id))) for operator_id, vehicle_id in names),
    )
