"""How an operator is doing, for the first page of a dashboard."""

from decimal import Decimal
from typing import Any, Final

from isotope.api.admin.lists import scope
from isotope.api.admin.statistics_types import DashboardStatistics, StatisticsRequest
from isotope.api.operation import Auth, Call, operation
from isotope.dashboards.statistics import DaySum, read_statistics
from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.tenants import Right
from isotope.kernel.currency_symbols import symbol_of
from isotope.kernel.money import Money

_STATUSES: Final = {
    "available_vehicles": VehicleStatus.READY,
    "in_use_vehicles": VehicleStatus.IN_USE,
    "reserved_vehicles": VehicleStatus.RESERVED,
    "charging_vehicles": VehicleStatus.CHARGING,
    "in_service_vehicles": VehicleStatus.NEED_SERVICE,
    "discharged_vehicles": VehicleStatus.DISCHARGED,
    "needs_investigation_vehicles": VehicleStatus.NEED_INVESTIGATION,
    "stolen_vehicles": VehicleStatus.STOLEN,
    "not_ready_vehicles": VehicleStatus.NOT_READY,
    "transportation_vehicles": VehicleStatus.TRANSPORTATION,
    "storage_vehicles": VehicleStatus.STORAGE,
    "rebalancing_vehicles": VehicleStatus.REBALANCING,
}
_EXAMPLE: Final[dict[str, Any]] = {
    **dict.fromkeys(_STATUSES, 0),
    "available_vehicles": 180,
    "in_use_vehicles": 15,
    "total_vehicle_error_count": 4,
    "active_vehicles_with_errors": 3,
    "rides_today": 41,
    "rides_yesterday": 320,
    "average_rides": 301.5,
    "rides_revenue_today": 143.2,
    "rides_revenue_yesterday": 1_120.4,
    "customers_today": 7,
    "customers_yesterday": 12,
    "topup_today": 60.0,
    "topup_yesterday": 210.0,
    "subscriptions_revenue_today": 9.9,
    "subscriptions_revenue_yesterday": 19.8,
    "tasks_today": 5,
    "tasks_yesterday": 9,
    "open_tasks": 14,
    "damages_today": 1,
    "damages_yesterday": 0,
    "open_damages": 2,
    "currency_symbol": "€",
    "currency_code": "EUR",
}


@operation(
    id="dashboard_statistics",
    tag="Sharing dashboard",
    title="Statistics",
    method="GET",
    path="/api/v2/admin/dashboard/statistics",
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=StatisticsRequest,
    response=DashboardStatistics,
    response_example=_EXAMPLE,
)
async def dashboard_statistics(call: Call[StatisticsRequest]) -> DashboardStatistics:
    """Vehicles by status, and what today and yesterday brought.

    Sums by day are kept as things happen, so this takes the same time whatever the number of rides.
    """
    wanted = scope(call)
    async with call.services.rt.db.read() as tx:
        found = await read_statistics(tx, wanted, call.services.rt.clock.now())

    def amount(day: DaySum) -> Decimal:
        return Money(day.amount_minor, wanted.currency).to_decimal()

    is_whole = wanted.subaccount_id is None
    rides, rides_before = found.on_today("ride"), found.on_yesterday("ride")
    return DashboardStatistics(
        **{name: found.vehicles.get(status, 0) for name, status in _STATUSES.items()},
        total_vehicle_error_count=found.alerts,
        active_vehicles_with_errors=found.alerted,
        rides_today=rides.count,
        rides_yesterday=rides_before.count,
        average_rides=round(found.average_rides, 1),
        rides_revenue_today=amount(rides),
        rides_revenue_yesterday=amount(rides_before),
        customers_today=found.on_today("rider").count if is_whole else None,
        customers_yesterday=found.on_yesterday("rider").count if is_whole else None,
        topup_today=amount(found.on_today("top_up")) if is_whole else None,
        topup_yesterday=amount(found.on_yesterday("top_up")) if is_whole else None,
        subscriptions_revenue_today=amount(found.on_today("subscription")) if is_whole else None,
        subscriptions_revenue_yesterday=amount(found.on_yesterday("subscription")) if is_whole else None,
        tasks_today=found.on_today("task").count,
        tasks_yesterday=found.on_yesterday("task").count,
        open_tasks=found.open("open_task"),
        damages_today=found.on_today("damage").count,
        damages_yesterday=found.on_yesterday("damage").count,
        open_damages=found.open("open_damage"),
        currency_symbol=symbol_of(wanted.currency),
        currency_code=wanted.currency,
    )
