"""What a quote binds, and how it fits into a token."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from isotope.domain.maps import open_place
from isotope.domain.taxi.model import MAX_POINTS, Stop, TaxiTariff
from isotope.domain.taxi.quotes import Quote, open_quote, short_route, short_stops, sign_quote
from isotope.domain.tenants.model import Operator, Settings, TaxiSettings
from isotope.infra.signed import MOST_TOKEN, BadToken
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, RiderId, TaxiClassId
from isotope.kernel.polyline import encode
from tests.kit.refusals import refused

KEY = b"k" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPERATOR = Operator(
    id=OperatorId(3),
    slug="city",
    name="City",
    currency="EUR",
    time_zone="Europe/Helsinki",
    languages=("en",),
    settings=Settings(taxi=TaxiSettings(quote_s=90)),
)
QUOTE = Quote(
    id=uuid4(),
    rider_id=RiderId(7),
    class_id=TaxiClassId(1),
    class_ref="comfort",
    class_title="Comfort",
    tariff=TaxiTariff(base_minor=400),
    stops=(Stop(lat=60.17, lon=24.94, title="Here"), Stop(lat=60.18, lon=24.94, title="There")),
    distance_m=2_000,
    duration_s=240,
    surge="1.4",
    total_minor=725,
    currency="EUR",
    is_cash=False,
    scheduled_at=NOW + timedelta(days=1),
)


def test_it_comes_back_as_it_was() -> None:
    token, expires_at = sign_quote(KEY, OPERATOR, QUOTE, NOW)
    assert expires_at == NOW + timedelta(seconds=90)
    assert open_quote(KEY, OPERATOR, f" {token} ", NOW + timedelta(seconds=89)) == QUOTE


def test_it_ends() -> None:
    token, expires_at = sign_quote(KEY, OPERATOR, QUOTE, NOW)
    with refused("quote_ended") as told:
        open_quote(KEY, OPERATOR, token, expires_at)
    assert told.it.details == {"seconds": 90}


def test_a_quote_is_no_place() -> None:
    token, _ends = sign_quote(KEY, OPERATOR, QUOTE, NOW)
    with pytest.raises(BadToken):
        open_place(KEY, OPERATOR, token, NOW)


@pytest.mark.parametrize("token", ["", "x.y.z", "a" * (MOST_TOKEN + 1), "\u00e4"])
def test_what_is_no_quote_is_a_fault_of_the_field(token: str) -> None:
    with refused("validation_failed") as told:
        open_quote(KEY, OPERATOR, token, NOW)
    assert [fault.field for fault in told.it.faults] == ["token"]


def test_the_longest_one_fits() -> None:
    """Eight stops with endless names beyond ASCII, and a way of ten thousand bends."""
    stops = tuple(
        Stop(lat=60.123456789 + nr, lon=24.987654321, title="Ä" * 500, subtitle="Ö" * 500) for nr in range(MAX_POINTS)
    )
    way = encode([Point(60 + (nr % 7) * 1e-3, 24 + nr * 1e-4) for nr in range(10_000)])
    longest = Quote(
        **{
            name: getattr(QUOTE, name)
            for name in QUOTE.__struct_fields__
            if name not in ("stops", "route", "class_title")
        },
        stops=short_stops(stops),
        route=short_route(way),
        class_title="Ü" * 120,
    )
    token, _ends = sign_quote(KEY, OPERATOR, longest, NOW)
    assert len(token) <= MOST_TOKEN
    assert open_quote(KEY, OPERATOR, token, NOW) == longest


def test_a_way_that_cannot_be_read_is_left_out() -> None:
    assert short_route("\x01" * 2_000) == ""
