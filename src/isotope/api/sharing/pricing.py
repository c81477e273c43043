"""What a ride costs."""

from collections.abc import Iterable
from decimal import Decimal

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing import views
from isotope.api.sharing_types import (
    Included,
    Pricing,
    PricingData,
    PricingDiscount,
    PricingPackage,
    PricingRequest,
    PricingSubscription,
    PricingSurcharge,
    PricingText,
)
from isotope.domain.benefits import PackageOffer
from isotope.domain.pricing import Quota, QuoteItem, package_items
from isotope.domain.sharing import PriceQuote, quote_price
from isotope.kernel.errors import Kind
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.money import to_decimal


@operation(
    id="get_vehicle_pricing",
    tag="Sharing",
    title="Get vehicle pricing",
    method="POST",
    path="/openapi/v1.0/sharing/get-vehicle-pricing",
    auth=Auth.PUBLIC_AND_CALLER,
    request=PricingRequest,
    response=Pricing,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"), (Kind.NOT_FOUND, "model_not_found")),
    request_example={"vehicle_id": 42},
)
async def get_vehicle_pricing(call: Call[PricingRequest]) -> Pricing:
    """The prices of a vehicle, or of every vehicle of a model, for a ride of the caller's that would begin now.

    As lines to show, with the codes that the bill will have, and as data to compute with. Surcharges depend on where
    the vehicle stands, so name it where there is one.
    """
    body = call.body
    zones = await call.services.zones.index(call.operator.id)
    priced = await quote_price(
        call.services.rt,
        call.operator,
        call.rider_id(),
        None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        None if body.model_id is None else ModelId(body.model_id),
        zones,
        call.text,
    )
    quote, subscription = priced.quote, priced.terms.subscription
    tariff, currency = priced.offer.offers.tariff, quote.currency
    return Pricing(
        pricing=_texts(quote.items, currency),
        pricing_data=_data(priced),
        additional_info=quote.text,
        pricing_packages=[
            _package(offer, _texts(package_items(offer.agreed, tariff, currency, call.text), currency), currency)
            for offer in priced.packages
        ],
        subscription_subaccount_id=None if subscription is None else subscription.id,
        subscription_available=subscription is not None,
        decreased_price=None if priced.decreased_minor is None else to_decimal(priced.decreased_minor, currency),
    )


def _data(priced: PriceQuote) -> PricingData:
    model, tariff, terms = priced.offer.model, priced.offer.offers.tariff, priced.terms
    currency, subscription = priced.quote.currency, priced.terms.subscription
    return PricingData(
        model_id=model.id,
        model_title=model.title,
        vehicle_type=model.vehicle_type,
        currency_code=currency,
        unlock=to_decimal(tariff.unlock_minor, currency),
        minute_tiers=views.tiers(tariff.minute_tiers, currency),
        pause_tiers=views.tiers(tariff.pause_tiers, currency),
        km_tiers=views.km_tiers(tariff.km_tiers, currency),
        minimum=to_decimal(tariff.minimum_minor, currency),
        ride_cap=None if tariff.ride_cap_minor is None else to_decimal(tariff.ride_cap_minor, currency),
        day_cap=None if tariff.day_cap_minor is None else to_decimal(tariff.day_cap_minor, currency),
        surcharges=[
            PricingSurcharge(
                title=surcharge.title,
                percent=surcharge.pct,
                amount=to_decimal(surcharge.amount_minor, currency),
                per_minute=to_decimal(surcharge.per_minute_minor, currency),
            )
            for surcharge in terms.surcharges
        ],
        discounts=[
            PricingDiscount(kind=discount.kind, title=discount.title, percent=discount.pct)
            for discount in terms.discounts
        ],
        subscription=None
        if subscription is None
        else PricingSubscription(
            id=subscription.id,
            title=subscription.title,
            percent=subscription.pct,
            left=_included(terms.quota_left),
        ),
        free_minutes_used=terms.free_minutes_used,
        regular_price=to_decimal(priced.regular_minor, currency),
        addons=[views.addon(addon, currency) for addon in priced.offer.offers.addons],
        tax_rate=Decimal(tariff.tax_rate),
        tax_inclusive=tariff.tax_inclusive,
    )


def _texts(items: Iterable[QuoteItem], currency: str) -> list[PricingText]:
    return [
        PricingText(
            code=item.code,
            text=item.text,
            unit=item.unit,
            price=to_decimal(item.price_minor, currency),
            percent=item.pct,
            included=item.included,
        )
        for item in items
    ]


def _package(offer: PackageOffer, pricing: list[PricingText], currency: str) -> PricingPackage:
    return PricingPackage(
        id=offer.id,
        title=offer.title,
        price=to_decimal(offer.spec.price_minor, currency),
        included=_included(offer.spec.quota),
        pricing=pricing,
    )


def _included(quota: Quota) -> Included:
    return Included(unlocks=quota.unlocks, minutes=quota.ride_min, pause_minutes=quota.pause_min, km=quota.km)
