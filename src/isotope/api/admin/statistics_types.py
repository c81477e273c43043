"""The answer about how an operator is doing. Names of fields are those that existing integrations parse."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.user_types import Amount

Count = Annotated[int, Meta(ge=0)]
_OfAll = "Of the whole operator; null for staff of a subaccount."


class StatisticsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked."""


class DashboardStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles as they stand now; days are those of the operator's clock; amounts are what riders pay, tax included."""

    available_vehicles: Annotated[Count, Meta(description="READY.")]
    in_use_vehicles: Count
    reserved_vehicles: Count
    charging_vehicles: Count
    in_service_vehicles: Annotated[Count, Meta(description="NEED_SERVICE.")]
    discharged_vehicles: Count
    needs_investigation_vehicles: Count
    stolen_vehicles: Count
    not_ready_vehicles: Count
    transportation_vehicles: Count
    storage_vehicles: Count
    rebalancing_vehicles: Count
    total_vehicle_error_count: Annotated[Count, Meta(description="Alerts that are not cleared.")]
    active_vehicles_with_errors: Annotated[
        Count, Meta(description="READY, IN_USE or RESERVED vehicles with such alerts.")
    ]
    rides_today: Annotated[Count, Meta(description="Rides that ended.")]
    rides_yesterday: Count
    average_rides: Annotated[float, Meta(description="Rides a day, of the 30 days before today.")]
    rides_revenue_today: Annotated[Amount, Meta(description="Of rides that ended, before refunds.")]
    rides_revenue_yesterday: Amount
    customers_today: Annotated[Count | None, Meta(description=f"Riders who registered. {_OfAll}")]
    customers_yesterday: Count | None
    topup_today: Annotated[Amount | None, Meta(description=f"Paid into wallets by card. {_OfAll}")]
    topup_yesterday: Amount | None
    subscriptions_revenue_today: Annotated[Amount | None, Meta(description=_OfAll)]
    subscriptions_revenue_yesterday: Amount | None
    tasks_today: Annotated[Count, Meta(description="Made on the day.")]
    tasks_yesterday: Count
    open_tasks: Count
    damages_today: Annotated[Count, Meta(description="Reported on the day.")]
    damages_yesterday: Count
    open_damages: Annotated[Count, Meta(description="Reports that wait for somebody to look.")]
    currency_symbol: Annotated[str, Meta(examples=["€"])]
    currency_code: Annotated[str, Meta(examples=["EUR"])]
