"""The sharing room's nouns as the contract shows them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from isotope.api.sharing_types import (
    ActingZone,
    Addon,
    Coordinates,
    PriceLine,
    PriceSummary,
    PricingKmTier,
    PricingTier,
    RideVehicle,
    ZoneWindow,
)
from isotope.domain.devices.model import Capability
from isotope.domain.fleet.model import AddonOffer
from isotope.domain.pricing.model import AddonPrice, KmTier, Line, Tariff, Tier
from isotope.domain.sharing import RIDER_COMMANDS, AgreedAddon, CurrentRide, RideStatus
from isotope.domain.zones import EffectKind, ZoneEffect
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId
from isotope.kernel.money import to_decimal
from isotope.kernel.time_windows import TimeWindow, Weekday

_WEEKDAYS: Final = tuple(Weekday)


def coordinates(point: Point) -> Coordinates:
    """Seven decimals are a centimetre."""
    return Coordinates(latitude=round(point.lat, 7), longitude=round(point.lon, 7))


def addon(offer: AddonOffer | AgreedAddon, currency: str) -> Addon:
    return _addon(offer.id, offer.title, offer.price, currency)


def _addon(addon_id: AddonId, title: str, price: AddonPrice, currency: str) -> Addon:
    return Addon(
        id=addon_id,
        title=title,
        price=to_decimal(price.price_minor, currency),
        price_kind=price.kind.value,
        currency_code=currency,
    )


def price_lines(lines: Iterable[Line], currency: str) -> list[PriceLine]:
    return [
        PriceLine(
            code=line.code,
            text=line.text,
            quantity=line.quantity,
            unit_price=to_decimal(line.unit_price_minor, currency),
            amount=to_decimal(line.amount_minor, currency),
        )
        for line in lines
    ]


def price_summary(tariff: Tariff, currency: str) -> PriceSummary:
    """What a map pin shows: the first prices that are not zero."""
    first = tariff.minute_tiers[0]
    return PriceSummary(
        unlock=to_decimal(tariff.unlock_minor, currency),
        per_minute=_first_price(tariff.minute_tiers, currency),
        free_minutes=first.upto_min or 0 if first.price_minor == 0 else 0,
        pause_per_minute=_first_price(tariff.pause_tiers, currency),
        currency_code=currency,
    )


def no_price(currency: str) -> PriceSummary:
    """For a model whose price list was retired while it is ridden."""
    zero = Decimal(0)
    return PriceSummary(unlock=zero, per_minute=zero, free_minutes=0, pause_per_minute=zero, currency_code=currency)


def _first_price(tiers: Sequence[Tier], currency: str) -> Decimal:
    return to_decimal(next((tier.price_minor for tier in tiers if tier.price_minor), 0), currency)


def tiers(of: Sequence[Tier], currency: str) -> list[PricingTier]:
    shown: list[PricingTier] = []
    below = 0
    for tier in of:
        shown.append(
            PricingTier(from_min=below + 1, upto_min=tier.upto_min, price=to_decimal(tier.price_minor, currency))
        )
        below = tier.upto_min or below
    return shown


def km_tiers(of: Sequence[KmTier], currency: str) -> list[PricingKmTier]:
    below = 0
    shown: list[PricingKmTier] = []
    for tier in of:
        price = to_decimal(tier.price_minor, currency)
        shown.append(PricingKmTier(from_km=below + 1, upto_km=tier.upto_km, price=price))
        below = tier.upto_km or below
    return shown


def rider_commands(capabilities: Iterable[Capability]) -> list[str]:
    """What the rider of such a vehicle can have it do."""
    return [str(c.command) for c in capabilities if c.command in RIDER_COMMANDS and not c.staff_only]


def range_left_km(range_km: float | None, battery_pct: int) -> float | None:
    """How far the battery still goes, as far as its percentage tells."""
    return None if range_km is None else round(range_km * battery_pct / 100, 1)


def ride_vehicle(current: CurrentRide) -> RideVehicle:
    """A vehicle with the ride on it and what it costs so far."""
    ride, offer = current.ride, current.vehicle
    vehicle, model, state = offer.vehicle, offer.model, offer.state
    if vehicle is None or ride.started_at is None:
        raise LookupError("a running ride has a vehicle and a start")
    return RideVehicle(
        id=vehicle.id,
        nr=vehicle.nr,
        type=model.vehicle_type,
        coordinates=None if state is None else coordinates(state.point),
        battery_level=None if state is None else state.battery_pct,
        is_paused=ride.status in (RideStatus.PAUSED, RideStatus.UNPAUSING),
        active_ride_id=ride.id,
        ride_status=ride.status.value,  # type: ignore[arg-type]  # open and started: one of the named
        started_at=int(ride.started_at.timestamp()),
        ride_seconds=current.usage.ride_s,
        pause_seconds=current.usage.pause_s,
        distance_m=None if state is None else max(0, state.odometer_m - ride.start_odometer_m),
        price=to_decimal(current.bill.total_minor, ride.currency),
        price_lines=price_lines(current.bill.lines, ride.currency),
        currency_code=ride.currency,
        addons=[addon(taken, ride.currency) for taken in ride.terms.addons],
        model_id=model.id,
        model_title=model.title,
        picture_url=model.spec.picture_url,
        range_km=None if state is None else range_left_km(model.spec.range_km, state.battery_pct),
        max_speed_kmh=model.spec.max_speed_kmh,
        commands=rider_commands(model.spec.capabilities),
        last_seen_at=None if state is None else int(state.seen_at.timestamp()),
        zone_effect=acting_zone(current.zone_effect),
    )


def acting_zone(effect: ZoneEffect) -> ActingZone | None:
    """The zone that acts on a vehicle, as its rider sees it."""
    if effect.kind is EffectKind.NONE or effect.zone_id is None:
        return None
    return ActingZone(
        reason="no_go_zone" if effect.kind is EffectKind.NO_GO else "speed_limit_zone",
        zone_id=effect.zone_id,
        title=effect.title,
        limit_kmh=effect.limit_kmh,
        throttle_off=effect.throttle_off,
    )


def zone_window(window: TimeWindow) -> ZoneWindow:
    days = window.weekdays or _WEEKDAYS
    return ZoneWindow(weekdays=[_WEEKDAYS.index(day) + 1 for day in days], from_time=window.start, to_time=window.end)
