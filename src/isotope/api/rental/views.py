"""The rental room's nouns as the contract shows them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from isotope.api.money_types import BillLine
from isotope.api.operation import Call
from isotope.api.rental_types import (
    BookedAddon,
    BookingCharge,
    BookingWithVehicle,
    CancelRule,
    Deposit,
    Rental,
    RentalVehicle,
    RentalZone,
)
from isotope.api.sharing.views import coordinates, zone_window
from isotope.api.sharing_types import Polygon
from isotope.domain.pricing.model import Line
from isotope.domain.rental import (
    ShownBooking,
    driven_m,
    included_km,
    local_text,
    pick_up_from,
    pick_up_until,
    show_bookings,
)
from isotope.domain.rental.model import Booking, ChargeId, ChargeStatus, DepositStatus, RentalTariff, Station
from isotope.domain.tenants.model import RentalSettings
from isotope.kernel.money import to_decimal


async def show(call: Call[Any], booking: Booking) -> BookingWithVehicle:
    """A booking as it is now."""
    rt = call.services.rt
    async with rt.db.read() as tx:
        [shown] = await show_bookings(tx, call.operator.id, [booking], rt.clock.now())
    return with_vehicle(shown)


def with_vehicle(shown: ShownBooking) -> BookingWithVehicle:
    vehicle = shown.vehicle
    return BookingWithVehicle(
        rental=_rental(shown),
        vehicle=RentalVehicle(
            id=vehicle.id,
            nr=vehicle.nr,
            type=vehicle.vehicle_type,
            model=vehicle.model_title,
            picture_url=vehicle.picture_url,
            seats=vehicle.seats,
            coordinates=None if vehicle.at is None else coordinates(vehicle.at),
            battery_level=vehicle.energy_pct,
        ),
    )


def _rental(shown: ShownBooking) -> Rental:
    booking, station, terms = shown.booking, shown.station, shown.booking.terms
    currency, zone = booking.currency, booking.terms.time_zone

    def money(minor: int) -> Decimal:
        return to_decimal(minor, currency)

    asked_minor = sum(charge.total_minor for charge in shown.charges if charge.status is not ChargeStatus.FAILED)
    back_minor = sum(refund.amount_minor for refund in shown.refunds)
    return Rental(
        booking_id=booking.id,
        booking_status=booking.status.value,
        outcome=booking.outcome,
        vehicle_model_id=booking.model_id,
        vehicle_model_title=shown.vehicle.model_title,
        pick_up_zone_id=station.id,
        return_zone_id=station.id,
        zone_title=station.title,
        zone_address=station.spec.address,
        zone_coordinates=coordinates(station.point),
        instructions=station.spec.instructions,
        pick_up_date=local_text(booking.starts_at, zone),
        return_date=local_text(booking.ends_at, zone),
        pick_up_from=local_text(pick_up_from(booking), zone),
        pick_up_until=local_text(pick_up_until(booking), zone),
        time_zone=zone,
        requested_at=int(booking.requested_at.timestamp()),
        pay_until=_unix(booking.hold_until),
        redirect_url=shown.redirect_url,
        picked_up_at=_unix(booking.picked_up_at),
        returned_at=_unix(booking.returned_at),
        payment_method_id=booking.payment_method_id,
        currency_code=currency,
        total=money(asked_minor - back_minor),
        charges=_charges(shown),
        refunded=money(back_minor),
        cancel_fee=None if shown.cancel_fee_minor is None else money(shown.cancel_fee_minor),
        allowed_actions=[action.value for action in shown.actions],
        cancellation=cancel_rules(terms.tariff),
        deposit=Deposit(
            amount=money(booking.deposit_minor),
            status=booking.deposit_status.value,
            kept=money(booking.deposit_captured_minor),
            held_until=_unix(booking.inspect_until) if booking.deposit_status is DepositStatus.HELD else None,
        ),
        package_title=None if terms.package is None else terms.package.title,
        addons=[
            BookedAddon(
                id=addon.id, title=addon.title, price=money(addon.spec.price_minor), price_kind=addon.spec.kind.value
            )
            for addon in terms.addons
        ],
        included_km=included_km(terms, booking.interval),
        extra_km_price=money(terms.tariff.km_minor),
        distance_m=driven_m(booking),
        start_energy_percent=booking.start_energy_pct,
        end_energy_percent=booking.end_energy_pct,
    )


def _charges(shown: ShownBooking) -> list[BookingCharge]:
    currency = shown.booking.currency
    back_minor: dict[ChargeId, int] = {}
    for refund in shown.refunds:
        back_minor[refund.charge_id] = back_minor.get(refund.charge_id, 0) + refund.amount_minor
    return [
        BookingCharge(
            kind=charge.kind.value,
            status=charge.status.value,
            lines=price_lines(charge.lines, currency),
            total=to_decimal(charge.total_minor, currency),
            tax=to_decimal(charge.tax_minor, currency),
            charged_bonus=to_decimal(charge.charged_bonus_minor, currency),
            charged_balance=to_decimal(charge.charged_balance_minor, currency),
            charged_card=to_decimal(charge.charged_card_minor, currency),
            pending=to_decimal(charge.card_pending_minor, currency),
            debt=to_decimal(charge.debt_minor, currency),
            refunded=to_decimal(back_minor.get(charge.id, 0), currency),
            at=int(charge.opened_at.timestamp()),
        )
        for charge in shown.charges
    ]


def price_lines(lines: Iterable[Line], currency: str) -> list[BillLine]:
    return [
        BillLine(
            code=line.code,
            text=line.text,
            quantity=line.quantity,
            unit_price=to_decimal(line.unit_price_minor, currency),
            amount=to_decimal(line.amount_minor, currency),
        )
        for line in lines
    ]


def cancel_rules(tariff: RentalTariff) -> list[CancelRule]:
    return [CancelRule(minutes_before=tier.before_min, fee_percent=tier.fee_pct) for tier in tariff.cancel]


def rental_zone(station: Station, settings: RentalSettings) -> RentalZone:
    spec = station.spec
    return RentalZone(
        id=station.id,
        title=station.title,
        coordinates=coordinates(station.point),
        zone_area=None
        if station.area is None
        else Polygon(type="Polygon", coordinates=cast("list[list[tuple[float, float]]]", station.area["coordinates"])),
        zone_radius=station.radius_m,
        address=spec.address,
        phone=spec.phone,
        instructions=spec.instructions,
        opening=[zone_window(window) for window in spec.opening],
        closed=list(spec.closed),
        lead_minutes=settings.lead_min if spec.lead_min is None else spec.lead_min,
        advance_days=settings.advance_days if spec.advance_days is None else spec.advance_days,
    )


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
