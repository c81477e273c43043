"""Rental: where, what and for how much; book it, cancel it."""

from datetime import datetime
from typing import Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.rental import views
from isotope.api.rental_types import (
    Alternative,
    AvailableZones,
    AvailableZonesRequest,
    BookingWithVehicle,
    CancelBookingRequest,
    Cancelled,
    CreateBookingRequest,
    RentalAddonOffer,
    RentalModelOffer,
    RentalPackageOffer,
    VehicleModels,
    VehicleModelsRequest,
)
from isotope.domain import rental
from isotope.domain.rental import local_text, parse_local, started_days
from isotope.domain.rental.model import (
    AddonKind,
    Interval,
    RentalAddonId,
    RentalPackageId,
    Station,
    StationId,
)
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import BookingId, ModelId, VehicleId
from isotope.kernel.money import to_decimal

_BASE: Final = "/openapi/v1.0/rental"
_TIMES: Final = (
    (Kind.NOT_FOUND, "rental_zone_not_found"),
    (Kind.CONFLICT, "booking_too_short"),
    (Kind.CONFLICT, "booking_too_long"),
    (Kind.CONFLICT, "booking_too_soon"),
    (Kind.CONFLICT, "booking_too_far_ahead"),
    (Kind.CONFLICT, "station_closed"),
)
_DATES: Final = {
    "pick_up_zone_id": 1,
    "return_zone_id": 1,
    "pick_up_date": "2026-12-24T10:00:00",
    "return_date": "2026-12-25T16:00:00",
}


@operation(
    id="get_available_zones",
    tag="Rental",
    title="Get available zones",
    method="POST",
    path=f"{_BASE}/get-available-zones",
    auth=Auth.PUBLIC,
    request=AvailableZonesRequest,
    response=AvailableZones,
)
async def get_available_zones(call: Call[AvailableZonesRequest]) -> AvailableZones:
    """The stations: where vehicles are picked up and brought back, when, and how long ahead they are booked."""
    stations = await rental.list_open_stations(call.services.rt, call.operator)
    settings = call.operator.settings.rentals
    return AvailableZones(
        available_zones=[views.rental_zone(station, settings) for station in stations],
        time_zone=call.operator.time_zone,
    )


@operation(
    id="get_vehicle_models",
    tag="Rental",
    title="Get vehicle models",
    method="POST",
    path=f"{_BASE}/get-vehicle-models",
    auth=Auth.PUBLIC,
    request=VehicleModelsRequest,
    response=VehicleModels,
    refusals=_TIMES,
    request_example=_DATES,
)
async def get_vehicle_models(call: Call[VehicleModelsRequest]) -> VehicleModels:
    """What is free at a station for all of some time, and what it costs: the cheapest combination of the rates.

    A date without an offset is the operator's local time. One that does not exist, because clocks are put forward, is
    taken as if they had not been; of one that exists twice the first is meant. Unless `show_exact_match` is on, models of
    which none is free come too, with the nearest times at which one is.
    """
    body = call.body
    _same_zone(body.pick_up_zone_id, body.return_zone_id)
    found = await rental.list_offers(
        call.services.rt,
        rental.FindOffers(
            operator=call.operator,
            station_id=StationId(body.pick_up_zone_id),
            interval=_interval(call, body.pick_up_date, body.return_date),
            is_exact=body.show_exact_match,
            words=call.text,
        ),
    )
    interval = _interval(call, body.pick_up_date, body.return_date)
    return VehicleModels(vehicle_models=[_offer(call, found.station, offer, interval) for offer in found.offers])


@operation(
    id="create_booking",
    tag="Rental",
    title="Create a new booking",
    method="POST",
    path=f"{_BASE}/create-booking",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CreateBookingRequest,
    response=BookingWithVehicle,
    refusals=(
        *_TIMES,
        (Kind.NOT_FOUND, "rental_model_not_found"),
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.FORBIDDEN, "rider_too_young"),
        (Kind.FORBIDDEN, "licence_needed"),
        (Kind.CONFLICT, "too_many_bookings"),
        (Kind.CONFLICT, "too_many_bookings_lately"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "package_not_available"),
        (Kind.CONFLICT, "unknown_addons"),
        (Kind.CONFLICT, "rental_addon_out_of_stock"),
        (Kind.CONFLICT, "no_vehicle_free"),
        (Kind.CONFLICT, "unknown_payment_method"),
        (Kind.CONFLICT, "booking_unaffordable"),
        (Kind.PAYMENT, "card_declined"),
    ),
    request_example={**_DATES, "vehicle_model_id": 1, "payment_method_id": "wallet"},
    idempotent=True,
)
async def create_booking(call: Call[CreateBookingRequest]) -> BookingWithVehicle:
    """Books a vehicle of a model, or a certain one, and pays it: from bonus and balance, the rest by card.

    AWAITING_PAYMENT: the card's bank has not answered yet, or its holder is to confirm at `redirect_url`. Until
    `pay_until` the vehicle is kept; then it is free again, and what is paid later goes back. The fee of a cancel is told
    as `cancel_fee`, here and by `get-user-bookings`.
    """
    body, services = call.body, call.services
    _same_zone(body.pick_up_zone_id, body.return_zone_id)
    if body.vehicle_model_id is None and body.vehicle_id is None:
        info = "name what is booked by vehicle_model_id or vehicle_id"
        raise invalid(Fault("vehicle_model_id", info), Fault("vehicle_id", info))
    booking = await rental.create_booking(
        services.rt,
        services.cards,
        rental.CreateBooking(
            operator=call.operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            station_id=StationId(body.pick_up_zone_id),
            interval=_interval(call, body.pick_up_date, body.return_date),
            model_id=None if body.vehicle_model_id is None else ModelId(body.vehicle_model_id),
            vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
            addon_ids=[RentalAddonId(addon_id) for addon_id in body.addon_ids or ()],
            package_id=None if body.pricing_package_id is None else RentalPackageId(body.pricing_package_id),
            payment_method_id=body.payment_method_id,
            skip_wallet_check=bool(body.skip_wallet_check),
            allow_debt=bool(body.allow_user_to_go_in_debt),
            without_card=bool(body.allow_to_create_booking_without_saved_card),
            return_url=services.cards.done_url,
        ),
    )
    return await views.show(call, booking)


@operation(
    id="cancel_booking",
    tag="Rental",
    title="Cancel a booking",
    method="POST",
    path=f"{_BASE}/cancel-booking",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CancelBookingRequest,
    response=Cancelled,
    refusals=(
        (Kind.NOT_FOUND, "booking_not_found"),
        (Kind.CONFLICT, "booking_status"),
        (Kind.CONFLICT, "booking_busy"),
    ),
    request_example={"booking_id": 7},
    idempotent=True,
)
async def cancel_booking(call: Call[CancelBookingRequest]) -> Cancelled:
    """Cancels a booking that is not picked up yet, by the terms that were agreed: `cancel_fee` of the booking is kept.

    The rest goes back the way it was paid. Cancelling again changes nothing and says the same.
    """
    cancelled = await rental.cancel_booking(
        call.services.rt,
        call.services.cards,
        rental.CancelBooking(
            operator=call.operator,
            booking_id=BookingId(call.body.booking_id),
            rider_id=call.rider_id(),
            actor=call.actor,
        ),
    )
    currency = cancelled.booking.currency
    fee = to_decimal(cancelled.fee_minor, currency)
    refunded = to_decimal(cancelled.refunded_minor, currency)
    return Cancelled(
        message=call.text("booking_cancelled", fee=f"{fee:f} {currency}", refunded=f"{refunded:f} {currency}"),
        fee=fee,
        refunded=refunded,
        currency_code=currency,
    )


def _same_zone(pick_up_zone_id: int, return_zone_id: int) -> None:
    if pick_up_zone_id != return_zone_id:
        raise invalid(
            Fault("return_zone_id", f"a vehicle is brought back where it was picked up: {pick_up_zone_id} is accepted")
        )


def _interval(
    call: Call[VehicleModelsRequest] | Call[CreateBookingRequest], pick_up_date: str, return_date: str
) -> Interval:
    faults: list[Fault] = []
    read: list[datetime] = []
    for field, text in (("pick_up_date", pick_up_date), ("return_date", return_date)):
        try:
            read.append(parse_local(text, call.operator.time_zone))
        except ValueError as error:
            faults.append(Fault(field, str(error)))
    if faults:
        raise invalid(*faults)
    start, end = read
    if end <= start:
        raise invalid(Fault("return_date", "a time after pick_up_date is accepted"))
    return Interval(start, end)


def _offer(
    call: Call[VehicleModelsRequest], station: Station, offer: rental.Offer, interval: Interval
) -> RentalModelOffer:
    model, currency, zone = offer.model, call.operator.currency, call.operator.time_zone
    settings, spec = call.operator.settings.rentals, model.spec
    ages = [age for age in (settings.minimum_age, spec.minimum_age) if age is not None]
    return RentalModelOffer(
        id=model.id,
        title=model.title,
        vehicle_type=model.vehicle_type,
        description=model.description,
        picture_url=model.picture_url,
        pictures=list(spec.pictures),
        seats=model.seats,
        doors=spec.doors,
        luggage=spec.luggage,
        propulsion=spec.propulsion,
        transmission=spec.transmission,
        range_km=model.range_km,
        available=offer.count,
        total=to_decimal(offer.price.total_minor, currency),
        tax=to_decimal(offer.price.tax_minor, currency),
        currency_code=currency,
        lines=views.price_lines(offer.price.lines, currency),
        included_km=offer.included_km,
        extra_km_price=to_decimal(model.tariff.km_minor, currency),
        deposit=to_decimal(model.deposit_minor, currency),
        minimum_age=max(ages, default=None),
        licence_category=spec.licence_category,
        cancellation=views.cancel_rules(model.tariff),
        pricing_packages=[
            RentalPackageOffer(
                id=one.package.id,
                title=one.package.title,
                price=to_decimal(one.package.spec.price_minor, currency),
                hours=one.package.spec.hours,
                included_km=one.package.spec.included_km
                if one.package.spec.included_km is not None
                else offer.included_km,
                total=to_decimal(one.price.total_minor, currency),
                tax=to_decimal(one.price.tax_minor, currency),
                lines=views.price_lines(one.price.lines, currency),
            )
            for one in offer.packages
        ],
        addons=[
            RentalAddonOffer(
                id=one.addon.id,
                title=one.addon.title,
                description=one.addon.spec.description,
                price=to_decimal(one.addon.spec.price_minor, currency),
                price_kind=one.addon.spec.kind.value,
                total=to_decimal(
                    one.addon.spec.price_minor
                    * (started_days(interval, zone) if one.addon.spec.kind is AddonKind.PER_DAY else 1),
                    currency,
                ),
                available=one.left,
            )
            for one in offer.addons
        ],
        alternatives=[
            Alternative(
                pick_up_zone_id=station.id,
                return_zone_id=station.id,
                zone_title=station.title,
                pick_up_date=local_text(near.interval.start, zone),
                return_date=local_text(near.interval.end, zone),
                total=to_decimal(near.price.total_minor, currency),
            )
            for near in offer.near
        ],
    )
