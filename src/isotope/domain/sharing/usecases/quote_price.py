"""What a ride on a vehicle, or on any vehicle of a model, would cost."""

from dataclasses import dataclass

from isotope.domain.fleet import VehicleOffer, get_model_offer, get_vehicle_offer
from isotope.domain.pricing import Quote, Words, english, quote_texts
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import ModelId, VehicleId


@dataclass(frozen=True, slots=True)
class PriceQuote:
    offer: VehicleOffer
    quote: Quote


async def quote_price(
    rt: Runtime,
    operator: Operator,
    vehicle_id: VehicleId | None,
    model_id: ModelId | None,
    words: Words = english,
) -> PriceQuote:
    """By the vehicle's model if a vehicle is named, else by the model.

    Raises:
        Refusal: `validation_failed` when neither is named or both do not fit; `vehicle_not_found`, `model_not_found`.
    """
    if vehicle_id is None and model_id is None:
        info = "name a vehicle_id or a model_id"
        raise invalid(Fault("vehicle_id", info), Fault("model_id", info))
    async with rt.db.glance() as tx:
        if vehicle_id is not None:
            offer = await get_vehicle_offer(tx, operator.id, vehicle_id=vehicle_id)
        else:
            offer = await get_model_offer(tx, operator.id, ModelId(model_id or 0))
    if model_id not in (None, offer.model.id):
        raise invalid(Fault("model_id", f"the vehicle is of model {offer.model.id}"))
    addons = [addon.price for addon in offer.offers.addons]
    return PriceQuote(offer, quote_texts(offer.offers.tariff, operator.currency, addons, words))
