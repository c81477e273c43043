"""What a ride costs."""

from decimal import Decimal

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing import views
from isotope.api.sharing_types import Pricing, PricingData, PricingRequest, PricingText
from isotope.domain.sharing import quote_price
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
    """The prices of a vehicle, or of every vehicle of a model: as lines to show and as data to compute with."""
    body = call.body
    priced = await quote_price(
        call.services.rt,
        call.operator,
        None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        None if body.model_id is None else ModelId(body.model_id),
        call.text,
    )
    model, tariff, quote = priced.offer.model, priced.offer.offers.tariff, priced.quote
    return Pricing(
        pricing=[
            PricingText(
                code=item.code, text=item.text, unit=item.unit, price=to_decimal(item.price_minor, quote.currency)
            )
            for item in quote.items
        ],
        pricing_data=PricingData(
            model_id=model.id,
            model_title=model.title,
            vehicle_type=model.vehicle_type,
            currency_code=quote.currency,
            unlock=to_decimal(tariff.unlock_minor, quote.currency),
            minute_tiers=views.tiers(tariff.minute_tiers, quote.currency),
            pause_tiers=views.tiers(tariff.pause_tiers, quote.currency),
            addons=[views.addon(addon, quote.currency) for addon in priced.offer.offers.addons],
            tax_rate=Decimal(quote.tax_rate),
            tax_inclusive=quote.tax_inclusive,
        ),
        additional_info=quote.text,
    )
