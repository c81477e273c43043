"""`python -m bench.reports URL OPERATOR`: positions of a fleet, written as the gateway writes them, until standard input ends.

5,000 a second in batches of 500; every batch moves the probe too. Each line that is printed is a batch: its number, and
the clock (CLOCK_MONOTONIC, the same in every process) at its commit. The probe stands at `probe_place(number)` then.
"""

import asyncio
import sys
import time
from typing import Final

from tests.kit.fleet import state_report

from isotope.domain.fleet import apply_reports
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.kernel.geo import Point
from isotope.kernel.ids import DeviceId, OperatorId

BATCH: Final = 500
BATCHES_A_SECOND: Final = 10
PROBE: Final = Point(61.0, 26.0)
_STEP_DEG: Final = 1e-6
_SHIFT_DEG: Final = 1e-5


def probe_place(number: int) -> Point:
    """Where the probe is after a batch."""
    return Point(PROBE.lat + number * _STEP_DEG, PROBE.lon)


def number_of(lat: float) -> int:
    """After which batch the probe is seen there."""
    return round((lat - PROBE.lat) / _STEP_DEG)


async def main(url: str, operator_id: OperatorId) -> None:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    db = Database(url, max_size=2)
    await db.open()
    clock = SystemClock()
    async with db.read() as tx:
        rows = await tx.tuples(
            """
            select v.device_id, s.lat, s.lon, s.odometer_m from vehicle v
              join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
             where v.operator_id = %(operator_id)s and v.device_id is not null order by v.id
            """,
            {"operator_id": operator_id},
        )
    probe, *fleet = [(DeviceId(device_id), Point(lat, lon), odometer) for device_id, lat, lon, odometer in rows]
    number, began = 0, time.monotonic()
    while not ended.done():
        number += 1
        now = clock.now()
        first = (number * (BATCH - 1)) % len(fleet)
        moved = fleet[first : first + BATCH - 1]
        shift = _SHIFT_DEG if number // (len(fleet) // BATCH + 1) % 2 else 0.0
        places = [
            (probe[0], probe_place(number), probe[2]),
            *((device_id, Point(at.lat + shift, at.lon), odometer) for device_id, at, odometer in moved),
        ]
        reports = [
            state_report(operator_id, device_id, now, at=at, odometer_m=odometer) for device_id, at, odometer in places
        ]
        async with db.write() as tx:
            await apply_reports(tx, reports)
        print(number, time.monotonic(), flush=True)
        await asyncio.sleep(max(0.0, began + number / BATCHES_A_SECOND - time.monotonic()))
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], OperatorId(int(sys.argv[2]))))
