"""The sections of the contract. Importing them declares their operations."""

from collections.abc import Sequence
from typing import Final

from isotope.api import admin, authorization, sharing, user
from isotope.api.operation import Operation, declared

__all__ = ["admin", "authorization", "operations", "sharing", "user"]

# As the reference's documentation goes, which is the order in which an app needs them.
_ORDER: Final = (
    "request_phone_verification",
    "verify_phone_code",
    "register",
    "login",
    "dashboard_login",
    "get_user_data",
    "get_user_bookings",
    "get_user_payment_methods",
    "register_user_form",
    "add_money",
    "delete_user",
    "refresh_user_token",
    # Beyond the reference.
    "add_payment_method",
    "choose_payment_method",
    "remove_payment_method",
    "top_up",
    "get_top_up",
    "pay_debt",
    "get_auto_topup",
    "set_auto_topup",
    "get_wallet_entries",
    "get_receipts",
    "get_receipt",
    "get_receipt_pdf",
    "get_subscription_plans",
    "buy_subscription",
    "get_subscriptions",
    "cancel_subscription",
    "redeem_code",
    "get_benefits",
    "get_referral_code",
    "set_discount_group",
    "get_zones",
    "get_vehicles",
    "start_ride",
    "end_ride",
    "get_current_ride",
    "get_vehicle_pricing",
    "pause",
    "unpause",
    "ring_vehicle",
    "get_active_rides",
    "get_vehicle_commands",
    "send_vehicle_commands",
    # Beyond the reference.
    "reserve_vehicle",
    "get_reservations",
    "extend_reservation",
    "cancel_reservation",
    "get_rides",
    "get_ride",
    "rate_ride",
    "report_damage",
    "get_ride_money",
    "refund_ride",
    "fine_ride",
    "create_promo_code",
    "stop_promo_code",
    "get_promo_codes",
    "get_vehicle_alerts",
)


def operations() -> Sequence[Operation]:
    """Every operation that is served, in the contract's order; what is not in it comes last."""
    rank = {name: place for place, name in enumerate(_ORDER)}
    return sorted(declared(), key=lambda operation: rank.get(operation.id, len(_ORDER)))
