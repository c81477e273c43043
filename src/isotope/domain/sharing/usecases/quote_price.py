"""What a ride on a vehicle, or on any vehicle of a model, would cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from isotope.domain.benefits import PackageOffer, list_packages
from isotope.domain.fleet import VehicleOffer, get_model_offer, get_vehicle_offer
from isotope.domain.pricing import (
    Agreed,
    AtEnd,
    Quote,
    ReservationFee,
    Usage,
    Words,
    bill,
    english,
    free_minutes,
    quote_texts,
)
from isotope.domain.sharing.agreeing import TermsNow, WhatIsRidden, terms_now
from isotope.domain.sharing.reservation_rules import fee_of_ride
from isotope.domain.sharing.reservation_store import list_active
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import ZoneIndex
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import ModelId, RiderId, VehicleId


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """What would be agreed on if the ride began now.

    Attributes:
        packages: that it could begin with, cheapest first.
        regular_minor: unlocking and the first minute that costs something, surcharges included, for anybody.
        decreased_minor: the same with the rider's discounts and subscription; None: it is not less.
    """

    offer: VehicleOffer
    terms: TermsNow
    quote: Quote
    packages: Sequence[PackageOffer]
    regular_minor: int
    decreased_minor: int | None


async def quote_price(
    rt: Runtime,
    operator: Operator,
    rider_id: RiderId,
    vehicle_id: VehicleId | None,
    model_id: ModelId | None,
    zones: ZoneIndex,
    words: Words = english,
) -> PriceQuote:
    """For the rider, by the vehicle's model if a vehicle is named, else by the model.

    Raises:
        Refusal: `validation_failed` when neither is named or both do not fit; `vehicle_not_found`, `model_not_found`.
    """
    if vehicle_id is None and model_id is None:
        info = "name a vehicle_id or a model_id"
        raise invalid(Fault("vehicle_id", info), Fault("model_id", info))
    now = rt.clock.now()
    async with rt.db.read() as tx:
        if vehicle_id is not None:
            offer = await get_vehicle_offer(tx, operator.id, vehicle_id=vehicle_id)
        else:
            offer = await get_model_offer(tx, operator.id, ModelId(model_id or 0))
        if model_id not in (None, offer.model.id):
            raise invalid(Fault("model_id", f"the vehicle is of model {offer.model.id}"))
        ridden = WhatIsRidden(
            model=offer.model,
            tariff=offer.offers.tariff,
            vehicle_id=vehicle_id,
            at=None if offer.state is None else offer.state.point,
        )
        terms = await terms_now(tx, operator, rider_id, ridden, zones, now)
        packages = await list_packages(tx, operator.id, offer.model, now, operator.time_zone)
        reservation = await _reservation(tx, operator, rider_id, vehicle_id, now)
    agreed = Agreed(
        tariff=offer.offers.tariff,
        addons=tuple(addon.price for addon in offer.offers.addons),
        surcharges=terms.surcharges,
        subscription=terms.subscription,
        discounts=terms.discounts,
        free_minutes_used=terms.free_minutes_used,
        reservation=reservation,
    )
    regular_minor, decreased_minor = _first_prices(agreed, terms)
    return PriceQuote(
        offer=offer,
        terms=terms,
        quote=quote_texts(agreed, operator.currency, terms.quota_left, words),
        packages=packages,
        regular_minor=regular_minor,
        decreased_minor=decreased_minor if decreased_minor < regular_minor else None,
    )


async def _reservation(
    tx: Tx, operator: Operator, rider_id: RiderId, vehicle_id: VehicleId | None, now: datetime
) -> ReservationFee | None:
    """What the rider's reservation of this vehicle would add to a ride that begins from it now."""
    if vehicle_id is None:
        return None
    active = await list_active(tx, operator.id, rider_id)
    own = next((reservation for reservation in active if reservation.vehicle_id == vehicle_id), None)
    return None if own is None else fee_of_ride(own, now)


def _first_prices(agreed: Agreed, terms: TermsNow) -> tuple[int, int]:
    """Without and with what makes the ride cheaper for its rider: a ride of all free minutes and one more."""
    tariff = agreed.tariff
    free_min = free_minutes(tariff, 10**9) - free_minutes(tariff, agreed.free_minutes_used)
    used = Usage(ride_s=60 * (free_min + 1), pause_s=0)
    own = msgspec.structs.replace(agreed, addons=())
    regular = msgspec.structs.replace(own, subscription=None, discounts=())
    at_end = AtEnd(quota_left=terms.quota_left)
    return bill(regular, used).ride_minor, bill(own, used, at_end).ride_minor
