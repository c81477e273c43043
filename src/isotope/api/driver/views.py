"""What drivers are shown, made of what the rooms say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from isotope.api.driver_types import (
    DriverClass,
    DriverOfferShown,
    DriverPresence,
    DriverTripShown,
    DriverVehicle,
    TripPoint,
    TripRider,
    TripStatusName,
)
from isotope.api.sharing.views import coordinates
from isotope.domain import drivers, taxi
from isotope.domain.identity.model import Rider
from isotope.domain.taxi.model import Stop, TaxiClass, Trip, TripStatus
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.ids import TaxiClassId
from isotope.kernel.money import to_decimal

# A driver on the way is watched by a rider; a free one is only to be found.
_BUSY_S: Final = 3
_FREE_S: Final = 10


def presence_of(state: drivers.DriverState, presence: drivers.Presence, settings: TaxiSettings) -> DriverPresence:
    """As the driver's app needs it."""
    is_busy = drivers.is_busy(state)
    online_since = state.online_since
    return DriverPresence(
        presence=presence.value,
        taxi_vehicle_id=state.vehicle_id if state.is_online else None,
        class_ids=list(state.class_ids) if state.is_online else [],
        online_since=None if online_since is None else int(online_since.timestamp()),
        is_busy=is_busy,
        next_position_s=min(_BUSY_S if is_busy else _FREE_S, settings.heartbeat_s // 2),
    )


def vehicle_of(vehicle: drivers.TaxiVehicle, classes: dict[TaxiClassId, TaxiClass]) -> DriverVehicle:
    """With the classes that are offered still."""
    return DriverVehicle(
        taxi_vehicle_id=vehicle.id,
        plate=vehicle.plate,
        title=vehicle.title,
        color=vehicle.color,
        seats=vehicle.seats,
        classes=[
            DriverClass(class_id=class_id, title=classes[class_id].title)
            for class_id in vehicle.class_ids
            if class_id in classes
        ],
    )


def offer_of(shown: taxi.DriverOffer) -> DriverOfferShown:
    """Before somebody takes it."""
    offer, trip = shown.offer, shown.trip
    return DriverOfferShown(
        offer_id=offer.id,
        trip_id=trip.id,
        expires_at=int(offer.expires_at.timestamp()),
        pick_up_eta_s=offer.eta_s,
        pick_up_distance_m=offer.distance_m,
        scheduled_at=_seconds(trip.scheduled_at),
        class_id=trip.class_id,
        class_title=trip.terms.class_title,
        points=_points(shown.stops),
        distance_m=trip.terms.distance_m,
        duration_s=trip.terms.duration_s,
        payment_type=trip.payment.value,
        price=to_decimal(trip.terms.quoted.total_minor, trip.currency),
        earning=to_decimal(shown.share_minor, trip.currency),
        currency_code=trip.currency,
    )


def trip_of(shown: taxi.DriverTrip) -> DriverTripShown:
    """A trip of the driver's own, in whatever status."""
    trip = shown.trip
    is_over = trip.status.is_final
    return DriverTripShown(
        trip_id=trip.id,
        status=cast("TripStatusName", trip.status.value),
        outcome=trip.outcome,
        actions=list(shown.actions),
        class_id=trip.class_id,
        class_title=trip.terms.class_title,
        rider=None if shown.rider is None else _rider(shown.rider),
        comment="" if is_over else trip.comment,
        pin_required=trip.pin is not None and trip.status in (TripStatus.ACCEPTED, TripStatus.ARRIVED),
        points=_points(shown.stops),
        next_stop=taxi.next_stop(shown.stops) if trip.status is TripStatus.STARTED else None,
        scheduled_at=_seconds(trip.scheduled_at),
        accepted_at=_seconds(trip.accepted_at),
        arrived_at=_seconds(trip.arrived_at),
        started_at=_seconds(trip.started_at),
        closed_at=_seconds(trip.closed_at),
        no_show_from=_seconds(shown.no_show_from),
        distance_m=round(trip.driven_m) if is_over else trip.terms.distance_m,
        duration_s=_took_s(trip) if is_over else trip.terms.duration_s,
        payment_type=trip.payment.value,
        price=to_decimal(trip.total_minor if is_over else trip.terms.quoted.total_minor, trip.currency),
        earning=to_decimal(shown.share_minor, trip.currency),
        cash_due=to_decimal(trip.cash_due_minor, trip.currency),
        cash=to_decimal(trip.cash_minor, trip.currency),
        currency_code=trip.currency,
        rating=trip.rating,
    )


def _took_s(trip: Trip) -> int:
    if trip.started_at is None or trip.ended_at is None:
        return 0
    return int((trip.ended_at - trip.started_at).total_seconds())


def _points(stops: Sequence[Stop]) -> list[TripPoint]:
    return [
        TripPoint(
            nr=nr,
            title=stop.title,
            subtitle=stop.subtitle,
            coordinates=coordinates(stop.point),
            reached_at=_seconds(stop.reached_at),
        )
        for nr, stop in enumerate(stops)
    ]


def _rider(rider: Rider) -> TripRider:
    return TripRider(name=rider.name.split(" ", 1)[0], phone=drivers.masked_phone(rider.phone_prefix, rider.phone))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
