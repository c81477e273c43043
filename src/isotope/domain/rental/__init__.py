"""Room: rental. Vehicles booked for given dates, picked up, brought back, settled."""

from isotope.domain.rental.catalog import (
    retire_rental_addons,
    retire_rental_models,
    retire_rental_packages,
    retire_rental_tariffs,
    retire_stations,
    upsert_rental_addon,
    upsert_rental_model,
    upsert_rental_package,
    upsert_rental_tariff,
    upsert_station,
)
from isotope.domain.rental.driving import PhonePosition, driven_m, pick_up_from, pick_up_until
from isotope.domain.rental.holds import BookingCardHold, BookingHold
from isotope.domain.rental.local_time import ACCEPTED as ACCEPTED_DATES
from isotope.domain.rental.local_time import local_text, parse_local, started_days
from isotope.domain.rental.locate import locate_all
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingRefund,
    BookingStatus,
    ChargeId,
    ChargeKind,
    ChargeStatus,
    OrderKind,
    StationId,
)
from isotope.domain.rental.prices import included_km
from isotope.domain.rental.staff_queries import WhichBookings
from isotope.domain.rental.usecases.cancel_booking import CancelBooking, Cancelled, cancel_booking
from isotope.domain.rental.usecases.create_booking import CreateBooking, create_booking
from isotope.domain.rental.usecases.extend_booking import (
    ExtendBooking,
    Extended,
    Extension,
    extend_booking,
    quote_extension,
)
from isotope.domain.rental.usecases.list_offers import FindOffers, Offer, Offers, list_offers, list_open_stations
from isotope.domain.rental.usecases.list_user_bookings import list_user_bookings
from isotope.domain.rental.usecases.locate_fleets import forget_slots, locate_fleets
from isotope.domain.rental.usecases.pick_up import PickUp, pick_up
from isotope.domain.rental.usecases.read_booking import WholeBooking, find_booking_of, read_booking
from isotope.domain.rental.usecases.record_booking_answer import record_booking_answer, record_deposit_answer
from isotope.domain.rental.usecases.report_damage import check_damage, report_damage
from isotope.domain.rental.usecases.return_vehicle import ReturnVehicle, return_vehicle
from isotope.domain.rental.usecases.settle_order import SettleOrder, settle_order
from isotope.domain.rental.usecases.settle_orders import settle_orders
from isotope.domain.rental.usecases.show_bookings import ShownBooking, show_bookings
from isotope.domain.rental.usecases.staff_cancel_booking import StaffCancelBooking, staff_cancel_booking
from isotope.domain.rental.usecases.staff_charge_booking import StaffChargeBooking, staff_charge_booking
from isotope.domain.rental.usecases.staff_list_bookings import StaffBooking, staff_list_bookings
from isotope.domain.rental.usecases.staff_refund_booking import StaffRefundBooking, staff_refund_booking
from isotope.domain.rental.usecases.stop_vehicle import StopVehicle, stop_vehicle
from isotope.domain.rental.usecases.watch_bookings import watch_booking, watch_bookings

__all__ = [
    "ACCEPTED_DATES",
    "Booking",
    "BookingCardHold",
    "BookingCharge",
    "BookingHold",
    "BookingRefund",
    "BookingStatus",
    "CancelBooking",
    "Cancelled",
    "ChargeId",
    "ChargeKind",
    "ChargeStatus",
    "CreateBooking",
    "ExtendBooking",
    "Extended",
    "Extension",
    "FindOffers",
    "Offer",
    "Offers",
    "OrderKind",
    "PhonePosition",
    "PickUp",
    "ReturnVehicle",
    "SettleOrder",
    "ShownBooking",
    "StaffBooking",
    "StaffCancelBooking",
    "StaffChargeBooking",
    "StaffRefundBooking",
    "StationId",
    "StopVehicle",
    "WhichBookings",
    "WholeBooking",
    "cancel_booking",
    "check_damage",
    "create_booking",
    "driven_m",
    "extend_booking",
    "find_booking_of",
    "forget_slots",
    "included_km",
    "list_offers",
    "list_open_stations",
    "list_user_bookings",
    "local_text",
    "locate_all",
    "locate_fleets",
    "parse_local",
    "pick_up",
    "pick_up_from",
    "pick_up_until",
    "quote_extension",
    "read_booking",
    "record_booking_answer",
    "record_deposit_answer",
    "report_damage",
    "retire_rental_addons",
    "retire_rental_models",
    "retire_rental_packages",
    "retire_rental_tariffs",
    "retire_stations",
    "return_vehicle",
    "settle_order",
    "settle_orders",
    "show_bookings",
    "staff_cancel_booking",
    "staff_charge_booking",
    "staff_list_bookings",
    "staff_refund_booking",
    "started_days",
    "stop_vehicle",
    "upsert_rental_addon",
    "upsert_rental_model",
    "upsert_rental_package",
    "upsert_rental_tariff",
    "upsert_station",
    "watch_booking",
    "watch_bookings",
]
