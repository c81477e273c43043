"""Room: sharing. Rides on vehicles that stand in the street, from the start to the bill."""

from isotope.domain.sharing.errors import ride_not_found
from isotope.domain.sharing.funds import Step as FundsStep
from isotope.domain.sharing.history import PastRide, Rating
from isotope.domain.sharing.holds import RideCardHold, RideHold
from isotope.domain.sharing.model import AgreedAddon, Outcome, Ride, RideStatus, Terms
from isotope.domain.sharing.places import OpenPlace, list_open_places
from isotope.domain.sharing.ports import TakenVehicles
from isotope.domain.sharing.queries import find_ride, has_ridden, list_running_rides
from isotope.domain.sharing.refunds import Fine, FineId, Refund
from isotope.domain.sharing.reservation_store import list_active as list_active_reservations
from isotope.domain.sharing.reservations import Reservation, ReservationId, ReservationStatus
from isotope.domain.sharing.rules import most_of_type
from isotope.domain.sharing.usecases.act_on_zones import act_on_zones, release_from_zones
from isotope.domain.sharing.usecases.cancel_reservation import OwnReservation, cancel_reservation
from isotope.domain.sharing.usecases.end_ride import EndRide, end_ride
from isotope.domain.sharing.usecases.expire_reservation import JOB as EXPIRE_RESERVATION_JOB
from isotope.domain.sharing.usecases.expire_reservation import ExpireReservation, expire_reservation
from isotope.domain.sharing.usecases.extend_reservation import extend_reservation
from isotope.domain.sharing.usecases.find_own_ride import RideRef, find_own_ride
from isotope.domain.sharing.usecases.fine_ride import FineRide, fine_ride
from isotope.domain.sharing.usecases.force_end_ride import ForceEndRide, force_end_ride
from isotope.domain.sharing.usecases.forget_history_of import forget_history_of
from isotope.domain.sharing.usecases.get_current_rides import CurrentRide, CurrentRides, get_current_rides
from isotope.domain.sharing.usecases.get_reservations import (
    CurrentReservation,
    CurrentReservations,
    get_reservations,
    show_reservation,
)
from isotope.domain.sharing.usecases.get_usage import get_usage
from isotope.domain.sharing.usecases.list_active_rides import list_active_rides
from isotope.domain.sharing.usecases.list_rides import list_rides
from isotope.domain.sharing.usecases.pause_ride import PauseRide, pause_ride
from isotope.domain.sharing.usecases.quote_price import PriceQuote, quote_price
from isotope.domain.sharing.usecases.rate_ride import RateRide, rate_ride
from isotope.domain.sharing.usecases.read_ride import WholeRide, read_ride
from isotope.domain.sharing.usecases.read_ride_money import RideMoney, read_ride_money
from isotope.domain.sharing.usecases.recheck_ride import JOB as RECHECK_RIDE_JOB
from isotope.domain.sharing.usecases.recheck_ride import RecheckRide, recheck_ride
from isotope.domain.sharing.usecases.record_ride_answer import record_ride_answer
from isotope.domain.sharing.usecases.refund_ride import RefundRide, refund_ride
from isotope.domain.sharing.usecases.report_damage import DamageRef, check_damage, report_damage
from isotope.domain.sharing.usecases.reserve_vehicle import ReserveVehicle, reserve_vehicle
from isotope.domain.sharing.usecases.ring_vehicle import RingVehicle, ring_vehicle
from isotope.domain.sharing.usecases.send_commands import (
    MAX_VEHICLES,
    RIDER_COMMANDS,
    CommandResult,
    SendCommands,
    send_commands,
)
from isotope.domain.sharing.usecases.settle_authorising import JOB as SETTLE_AUTHORISING_JOB
from isotope.domain.sharing.usecases.settle_authorising import SettleAuthorising, settle_authorising
from isotope.domain.sharing.usecases.settle_ride import JOB as SETTLE_RIDE_JOB
from isotope.domain.sharing.usecases.settle_ride import SettleRide, settle_ride
from isotope.domain.sharing.usecases.settle_waiting_rides import settle_waiting_rides
from isotope.domain.sharing.usecases.start_ride import StartRide, start_ride
from isotope.domain.sharing.usecases.unpause_ride import UnpauseRide, unpause_ride
from isotope.domain.sharing.usecases.watch_funds import WatchFunds, watch_funds
from isotope.domain.sharing.usecases.watch_open_rides import watch_open_rides
from isotope.domain.sharing.watches import JOB as WATCH_FUNDS_JOB

__all__ = [
    "EXPIRE_RESERVATION_JOB",
    "MAX_VEHICLES",
    "RECHECK_RIDE_JOB",
    "RIDER_COMMANDS",
    "SETTLE_AUTHORISING_JOB",
    "SETTLE_RIDE_JOB",
    "WATCH_FUNDS_JOB",
    "AgreedAddon",
    "CommandResult",
    "CurrentReservation",
    "CurrentReservations",
    "CurrentRide",
    "CurrentRides",
    "DamageRef",
    "EndRide",
    "ExpireReservation",
    "Fine",
    "FineId",
    "FineRide",
    "ForceEndRide",
    "FundsStep",
    "OpenPlace",
    "Outcome",
    "OwnReservation",
    "PastRide",
    "PauseRide",
    "PriceQuote",
    "RateRide",
    "Rating",
    "RecheckRide",
    "Refund",
    "RefundRide",
    "Reservation",
    "ReservationId",
    "ReservationStatus",
    "ReserveVehicle",
    "Ride",
    "RideCardHold",
    "RideHold",
    "RideMoney",
    "RideRef",
    "RideStatus",
    "RingVehicle",
    "SendCommands",
    "SettleAuthorising",
    "SettleRide",
    "StartRide",
    "TakenVehicles",
    "Terms",
    "UnpauseRide",
    "WatchFunds",
    "WholeRide",
    "act_on_zones",
    "cancel_reservation",
    "check_damage",
    "end_ride",
    "expire_reservation",
    "extend_reservation",
    "find_own_ride",
    "find_ride",
    "fine_ride",
    "force_end_ride",
    "forget_history_of",
    "get_current_rides",
    "get_reservations",
    "get_usage",
    "has_ridden",
    "list_active_reservations",
    "list_active_rides",
    "list_open_places",
    "list_rides",
    "list_running_rides",
    "most_of_type",
    "pause_ride",
    "quote_price",
    "rate_ride",
    "read_ride",
    "read_ride_money",
    "recheck_ride",
    "record_ride_answer",
    "refund_ride",
    "release_from_zones",
    "report_damage",
    "reserve_vehicle",
    "ride_not_found",
    "ring_vehicle",
    "send_commands",
    "settle_authorising",
    "settle_ride",
    "settle_waiting_rides",
    "show_reservation",
    "start_ride",
    "unpause_ride",
    "watch_funds",
    "watch_open_rides",
]
