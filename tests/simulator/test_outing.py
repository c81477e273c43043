"""How a simulated rider gets rid of a vehicle where it may not be left."""

from decimal import Decimal
from typing import Any

import pytest

from isotope.kernel.geo import Point
from isotope.simulator.api import ApiRefused
from isotope.simulator.app import Bill, Riding
from isotope.simulator.outing import Travel, park

pytestmark = pytest.mark.asyncio

HERE, LEGAL = Point(60.17, 24.94), Point(60.1701, 24.94)
REFUSED = ApiRefused(
    409,
    "end_refused_no_parking_zone_fine",
    "",
    {
        "nearest_parking": {"coordinates": {"latitude": LEGAL.lat, "longitude": LEGAL.lon}},
        "fine": {"amount": "15.00", "currency": "EUR"},
    },
)


class RefusingApp:
    """Ends a ride only at the legal place, or for the fine."""

    def __init__(self) -> None:
        self.asked: list[tuple[Point, str | None]] = []

    async def end(self, _riding: Riding, at: Point, *, fine: str | None = None, **_more: Any) -> Bill:
        self.asked.append((at, fine))
        if at != LEGAL and fine != "15.00":
            raise REFUSED
        return Bill(Decimal(2), Decimal(0))


@pytest.mark.parametrize(
    ("pays_fines", "asked"),
    [(False, [(HERE, None), (LEGAL, None)]), (True, [(HERE, None), (HERE, "15.00")])],
)
async def test_a_refused_end_is_mended_by_the_way_or_by_the_fine(
    pays_fines: bool, asked: list[tuple[Point, str | None]]
) -> None:
    app = RefusingApp()
    travel = Travel(fleet=None, speed_factor=10_000, kmh=20)
    parked = await park(app, Riding(1), HERE, travel, pays_fines=pays_fines)  # type: ignore[arg-type]  # a fake
    assert app.asked == asked
    assert (parked.detour_m > 0) is not pays_fines
