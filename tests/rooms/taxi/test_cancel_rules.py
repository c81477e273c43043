"""What cancelling costs, by the table."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from isotope.domain.taxi.cancel_rules import cancel_fee_minor
from isotope.domain.taxi.model import Trip, TripPayment, TripStatus
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.ids import DriverId, OperatorId, RiderId, TaxiClassId, TripId
from tests.kit.clock import START
from tests.rooms.taxi.test_fares import terms

S = TripStatus
# 120 s free, 300 s late, 60 min before a trip for later.
SETTINGS = TaxiSettings()
TRIP = Trip(
    operator_id=OperatorId(1),
    id=TripId(1),
    rider_id=RiderId(1),
    class_id=TaxiClassId(1),
    status=S.REQUESTED,
    quote_id=uuid4(),
    payment=TripPayment.WALLET,
    payment_method_id="wallet",
    currency="EUR",
    terms=terms(),
    requested_at=START,
)
ACCEPTED = msgspec.structs.replace(TRIP, status=S.ACCEPTED, driver_id=DriverId(1), accepted_at=START, pickup_eta_s=240)
PROMISED = msgspec.structs.replace(
    TRIP, status=S.SCHEDULED, driver_id=DriverId(1), scheduled_at=START + timedelta(hours=2)
)


@pytest.mark.parametrize(
    ("trip", "changes", "after_s", "fee"),
    [
        (TRIP, {"status": S.AUTHORISING}, 9_999, 0),
        (TRIP, {}, 9_999, 0),
        (PROMISED, {"driver_id": None}, 7_200, 0),
        (PROMISED, {}, 3_600, 0),
        (PROMISED, {}, 3_601, 500),
        (ACCEPTED, {}, 120, 0),
        (ACCEPTED, {}, 121, 500),
        (ACCEPTED, {}, 540, 500),
        (ACCEPTED, {}, 541, 0),
        (ACCEPTED, {"scheduled_at": START + timedelta(hours=1)}, 541, 500),
        (ACCEPTED, {"scheduled_at": START + timedelta(hours=1)}, 3_901, 0),
        (ACCEPTED, {"status": S.ARRIVED}, 10, 500),
        (ACCEPTED, {"status": S.ARRIVED}, 9_999, 500),
        (ACCEPTED, {"status": S.STARTED}, 9_999, 0),
        (ACCEPTED, {"status": S.ENDED}, 9_999, 0),
        (ACCEPTED, {"status": S.CANCELED}, 9_999, 0),
    ],
)
def test_the_fee(trip: Trip, changes: dict[str, Any], after_s: int, fee: int) -> None:
    stood = msgspec.structs.replace(trip, **changes)
    assert cancel_fee_minor(stood, SETTINGS, START + timedelta(seconds=after_s)) == fee
