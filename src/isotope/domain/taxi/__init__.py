"""Room: taxi. Quotes, trips, offers to drivers, what a trip costs and earns."""

from isotope.domain.taxi.catalog import TaxiClassDraft, retire_classes, upsert_class
from isotope.domain.taxi.dispatch.rounds import dispatch_trips
from isotope.domain.taxi.driver_queries import Earned, sum_earnings
from isotope.domain.taxi.driver_rules import next_stop
from isotope.domain.taxi.holds import TripCardHold, TripHold
from isotope.domain.taxi.list_queries import Customer, ListedDriver, Paging, WhichTrips
from isotope.domain.taxi.model import Trip
from isotope.domain.taxi.near import NearDriver, Way
from isotope.domain.taxi.queries import find_driven_trip, list_classes
from isotope.domain.taxi.schedule import local_date_and_time, read_schedule
from isotope.domain.taxi.show_queries import Scheduled
from isotope.domain.taxi.staff_rules import sees_riders
from isotope.domain.taxi.store import DRIVER_CHANNEL, TRIP_CHANNEL
from isotope.domain.taxi.usecases.accept_offer import AcceptOffer, accept_offer
from isotope.domain.taxi.usecases.adjust_driver_balance import (
    AdjustDriverBalance,
    DriverMoney,
    adjust_driver_balance,
)
from isotope.domain.taxi.usecases.arrive import Arrive, arrive
from isotope.domain.taxi.usecases.cancel_trip import CancelTrip, cancel_trip
from isotope.domain.taxi.usecases.decline_offer import DeclineOffer, decline_offer
from isotope.domain.taxi.usecases.decline_open_offers import decline_open_offers
from isotope.domain.taxi.usecases.end_trip import EndTrip, end_trip
from isotope.domain.taxi.usecases.give_up_trip import GiveUpTrip, give_up_trip
from isotope.domain.taxi.usecases.list_all import (
    ListedTrips,
    heard_since,
    list_all_customers,
    list_all_drivers,
    list_all_trips,
    show_drivers,
    show_trips,
)
from isotope.domain.taxi.usecases.list_scheduled_trips import ScheduledTrip, list_scheduled_trips, must_be_scheduled
from isotope.domain.taxi.usecases.list_trips_to_dispatch import TripToDispatch, list_trips_to_dispatch
from isotope.domain.taxi.usecases.listen_for_trips import listen_for_trips
from isotope.domain.taxi.usecases.quote_trips import QuotedClass, QuotedDriver, Quotes, QuoteTrips, quote_trips
from isotope.domain.taxi.usecases.rate_trip import RateTrip, rate_trip
from isotope.domain.taxi.usecases.reach_stop import ReachStop, reach_stop
from isotope.domain.taxi.usecases.record_trip_answer import record_trip_answer
from isotope.domain.taxi.usecases.request_trip import RequestTrip, request_trip
from isotope.domain.taxi.usecases.set_off import SetOff, set_off
from isotope.domain.taxi.usecases.settle_authorising import SettleAuthorising, settle_authorising
from isotope.domain.taxi.usecases.show_driver_work import (
    DriverOffer,
    DriverTrip,
    DriverWork,
    list_driven,
    list_promised,
    show_driver_trip,
    show_driver_work,
)
from isotope.domain.taxi.usecases.show_trip import ShownTrip, ShowTrip, find_shown_trip
from isotope.domain.taxi.usecases.staff_assign_trip import StaffAssignTrip, staff_assign_trip
from isotope.domain.taxi.usecases.staff_close_trip import StaffCloseTrip, staff_cancel_trip, staff_end_trip
from isotope.domain.taxi.usecases.staff_refund_trip import StaffRefundTrip, staff_refund_trip
from isotope.domain.taxi.usecases.start_trip import StartTrip, start_trip
from isotope.domain.taxi.usecases.take_cash import TakeCash, settle_untold_cash, take_cash
from isotope.domain.taxi.usecases.track_trip import Fix, TrackTrip, track_trip
from isotope.domain.taxi.usecases.update_surge import update_surge
from isotope.domain.taxi.usecases.watch_trips import watch_trips

__all__ = [
    "DRIVER_CHANNEL",
    "TRIP_CHANNEL",
    "AcceptOffer",
    "AdjustDriverBalance",
    "Arrive",
    "CancelTrip",
    "Customer",
    "DeclineOffer",
    "DriverMoney",
    "DriverOffer",
    "DriverTrip",
    "DriverWork",
    "Earned",
    "EndTrip",
    "Fix",
    "GiveUpTrip",
    "ListedDriver",
    "ListedTrips",
    "NearDriver",
    "Paging",
    "QuoteTrips",
    "QuotedClass",
    "QuotedDriver",
    "Quotes",
    "RateTrip",
    "ReachStop",
    "RequestTrip",
    "Scheduled",
    "ScheduledTrip",
    "SetOff",
    "SettleAuthorising",
    "ShowTrip",
    "ShownTrip",
    "StaffAssignTrip",
    "StaffCloseTrip",
    "StaffRefundTrip",
    "StartTrip",
    "TakeCash",
    "TaxiClassDraft",
    "TrackTrip",
    "Trip",
    "TripCardHold",
    "TripHold",
    "TripToDispatch",
    "Way",
    "WhichTrips",
    "accept_offer",
    "adjust_driver_balance",
    "arrive",
    "cancel_trip",
    "decline_offer",
    "decline_open_offers",
    "dispatch_trips",
    "end_trip",
    "find_driven_trip",
    "find_shown_trip",
    "give_up_trip",
    "heard_since",
    "list_all_customers",
    "list_all_drivers",
    "list_all_trips",
    "list_classes",
    "list_driven",
    "list_promised",
    "list_scheduled_trips",
    "list_trips_to_dispatch",
    "listen_for_trips",
    "local_date_and_time",
    "must_be_scheduled",
    "next_stop",
    "quote_trips",
    "rate_trip",
    "reach_stop",
    "read_schedule",
    "record_trip_answer",
    "request_trip",
    "retire_classes",
    "sees_riders",
    "set_off",
    "settle_authorising",
    "settle_untold_cash",
    "show_driver_trip",
    "show_driver_work",
    "show_drivers",
    "show_trips",
    "staff_assign_trip",
    "staff_cancel_trip",
    "staff_end_trip",
    "staff_refund_trip",
    "start_trip",
    "sum_earnings",
    "take_cash",
    "track_trip",
    "update_surge",
    "upsert_class",
    "watch_trips",
]
