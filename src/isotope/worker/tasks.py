"""Every job and every periodic task, on one page.

A job is a use case run later. It is inserted by name (`rt.jobs.defer(tx, "settle_ride", ...)`) in the transaction of
its cause; here the name gets its function. To add one, write a function below and its line in `JOBS` or `PERIODIC`.
All of them are safe to run twice: a worker that dies leaves its job to the next one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from isotope.domain.benefits import forget_code_tries
from isotope.domain.benefits import forget_rider as forget_benefits_of
from isotope.domain.benefits import reward_referrer as reward
from isotope.domain.devices import expire_due_commands
from isotope.domain.drivers import forget_documents, forget_ended_driver_tokens, rest_drivers
from isotope.domain.evidence import Blobs, forget_evidence_of, sweep_pictures
from isotope.domain.fleet import keep_report_history, watch_batteries
from isotope.domain.identity import TellRider, erase_due_riders, forget_ended_verifications
from isotope.domain.identity import tell_rider as tell
from isotope.domain.identity.ports import DeletionHold, SmsSender
from isotope.domain.maps import Maps
from isotope.domain.payments import (
    Cards,
    TopUpByItself,
    collect_debts,
    follow_disputes,
    forget_card_events,
    forget_card_setups,
    forget_removed_cards,
    forget_rider,
    record_dispute,
    resolve_card_calls,
    resolve_card_setups,
)
from isotope.domain.payments import auto_topup as top_up_by_itself
from isotope.domain.receipts import number_receipts
from isotope.domain.rental import forget_slots, locate_fleets, settle_orders, watch_bookings
from isotope.domain.sharing import (
    ExpireReservation,
    RecheckRide,
    ReservationId,
    SettleAuthorising,
    SettleRide,
    WatchFunds,
    forget_history_of,
    release_from_zones,
    settle_waiting_rides,
    watch_open_rides,
)
from isotope.domain.sharing import expire_reservation as expire
from isotope.domain.sharing import recheck_ride as look_again
from isotope.domain.sharing import settle_authorising as settle_card
from isotope.domain.sharing import settle_ride as settle
from isotope.domain.sharing import watch_funds as look_at_funds
from isotope.domain.subscriptions import end_subscriptions, renew_subscriptions, tell_new_terms
from isotope.domain.taxi import dispatch_trips, update_surge, watch_trips
from isotope.domain.tenants import Operators, forget_ended_logins, roll_up_days
from isotope.domain.wallet import expire_bonus
from isotope.domain.zones import Zones
from isotope.infra.idempotency import forget_idempotent_requests
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, OperatorId, RideId, RiderId


class Services(Protocol):
    """What jobs reach of a process's services."""

    @property
    def rt(self) -> Runtime: ...
    @property
    def operators(self) -> Operators: ...
    @property
    def cards(self) -> Cards: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def zones(self) -> Zones: ...
    @property
    def maps(self) -> Maps: ...
    @property
    def sms(self) -> SmsSender: ...
    @property
    def holds(self) -> Sequence[DeletionHold]: ...


Job = Callable[..., Awaitable[Any]]
Task = Callable[[Services], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Done again and again, by one worker of all at a time; `cron` has seconds as its sixth field."""

    cron: str
    run: Task


async def settle_ride(services: Services, *, operator_id: int, ride_id: int, command_id: int) -> None:
    """Queued by versions before `settle_waiting_rides`, which looks at every ride that waits."""
    operator = await services.operators.get(OperatorId(operator_id))
    what = SettleRide(operator=operator, ride_id=RideId(ride_id), command_id=CommandId(command_id))
    await settle(services.rt, services.cards, what)


async def settle_authorising(services: Services, *, operator_id: int, ride_id: int) -> None:
    """The request that asked a card for a ride may be gone: nobody waits at the vehicle, so the ride ends."""
    operator = await services.operators.get(OperatorId(operator_id))
    await settle_card(services.rt, services.cards, SettleAuthorising(operator=operator, ride_id=RideId(ride_id)))


async def recheck_ride(services: Services, *, operator_id: int, ride_id: int, look: int) -> None:
    """A short ride, or one whose kilometres cost, is over, and its vehicle's late reports have come: look at it again."""
    operator = await services.operators.get(OperatorId(operator_id))
    await look_again(services.rt, services.cards, RecheckRide(operator=operator, ride_id=RideId(ride_id), look=look))


async def auto_topup(
    services: Services, *, operator_id: int, rider_id: int, currency: str, cause: str, look: int
) -> None:
    """A rider's balance fell below the threshold they set: charge their card."""
    operator = await services.operators.get(OperatorId(operator_id))
    what = TopUpByItself(operator=operator, rider_id=RiderId(rider_id), currency=currency, cause=cause)
    await top_up_by_itself(services.rt, services.cards, what, look)


async def handle_card_dispute(services: Services, *, operator_id: int, dispute_ref: str) -> None:
    """A rider's bank took a payment back, or returned it."""
    operator = await services.operators.get(OperatorId(operator_id))
    await record_dispute(services.rt, services.cards, operator, dispute_ref)


async def watch_funds(services: Services, *, operator_id: int, ride_id: int, nr: int) -> None:
    """A running ride may have used up its rider's money: look."""
    operator = await services.operators.get(OperatorId(operator_id))
    what = WatchFunds(operator=operator, ride_id=RideId(ride_id), nr=nr)
    await look_at_funds(services.rt, services.cards, services.zones, what)


async def expire_reservation(services: Services, *, operator_id: int, reservation_id: int, extended: int) -> None:
    """The time of a reservation is over."""
    operator = await services.operators.get(OperatorId(operator_id))
    what = ExpireReservation(operator=operator, reservation_id=ReservationId(reservation_id), extended=extended)
    await expire(services.rt, what)


async def tell_rider(
    services: Services, *, operator_id: int, rider_id: int, code: str, params: dict[str, str | int]
) -> None:
    """Something happened that a rider should know."""
    operator = await services.operators.get(OperatorId(operator_id))
    what = TellRider(operator=operator, rider_id=RiderId(rider_id), code=code, params=params)
    await tell(services.rt, services.sms, what)


async def reward_referrer(services: Services, *, operator_id: int, referee_id: int) -> None:
    """A rider whom another one brought has paid a ride: that one is rewarded."""
    await reward(services.rt, await services.operators.get(OperatorId(operator_id)), RiderId(referee_id))


async def rider_erased(services: Services, *, operator_id: int, rider_id: int) -> None:
    """What other rooms than identity know of a rider goes with them."""
    await end_subscriptions(services.rt, OperatorId(operator_id), RiderId(rider_id))
    await forget_rider(services.rt, OperatorId(operator_id), RiderId(rider_id))
    await forget_benefits_of(services.rt, OperatorId(operator_id), RiderId(rider_id))
    await forget_history_of(services.rt, OperatorId(operator_id), RiderId(rider_id))
    await forget_evidence_of(services.rt, OperatorId(operator_id), RiderId(rider_id))


JOBS: Final[Mapping[str, Job]] = {
    "settle_ride": settle_ride,
    "recheck_ride": recheck_ride,
    "auto_topup": auto_topup,
    "handle_card_dispute": handle_card_dispute,
    "rider_erased": rider_erased,
    "reward_referrer": reward_referrer,
    "watch_funds": watch_funds,
    "tell_rider": tell_rider,
    "expire_reservation": expire_reservation,
    "settle_authorising": settle_authorising,
}

PERIODIC: Final[Mapping[str, Periodic]] = {
    # A command that nobody answered in time has an outcome too.
    "expire_due_commands": Periodic("* * * * * */5", lambda services: expire_due_commands(services.rt)),
    # The request that ordered something of a ride's vehicle may be gone: the ride becomes what the vehicle said.
    "settle_waiting_rides": Periodic(
        "* * * * * */2", lambda services: settle_waiting_rides(services.rt, services.cards, services.operators)
    ),
    # As for rides, of booked vehicles.
    "settle_orders": Periodic(
        "* * * * * */2", lambda services: settle_orders(services.rt, services.cards, services.operators)
    ),
    # Open requests and free drivers are matched, and offers made.
    "dispatch_trips": Periodic(
        "* * * * * */2", lambda services: dispatch_trips(services.rt, services.maps.roads, services.operators)
    ),
    # Fares rise where more riders ask than drivers are free, and come down again.
    "update_surge": Periodic("* * * * *", lambda services: update_surge(services.rt, services.operators)),
    # Offers and searches that end, trips for later that come due, reminders, cash that nobody told of.
    "watch_trips": Periodic(
        "* * * * * */2", lambda services: watch_trips(services.rt, services.cards, services.operators)
    ),
    # Unpaid ones given up, vehicles kept before their time, reminders, no-shows, late ones, deposits let go.
    "watch_bookings": Periodic(
        "* * * * * */5", lambda services: watch_bookings(services.rt, services.cards, services.operators)
    ),
    # What a provider made of a call that nobody heard the answer of.
    "resolve_card_calls": Periodic(
        "* * * * * */5", lambda services: resolve_card_calls(services.rt, services.cards, services.operators)
    ),
    # What is counted by day, for the dashboard.
    "roll_up_days": Periodic("* * * * * */10", lambda services: roll_up_days(services.rt)),
    "number_receipts": Periodic("* * * * * */2", lambda services: number_receipts(services.rt)),
    # Riders who did not come back from the page on which a card is saved.
    "resolve_card_setups": Periodic(
        "* * * * * */5", lambda services: resolve_card_setups(services.rt, services.cards, services.operators)
    ),
    "forget_removed_cards": Periodic(
        "* * * * * */10", lambda services: forget_removed_cards(services.rt, services.cards, services.operators)
    ),
    "forget_card_setups": Periodic("23 * * * *", lambda services: forget_card_setups(services.rt)),
    "forget_card_events": Periodic("*/15 * * * *", lambda services: forget_card_events(services.rt)),
    "follow_disputes": Periodic(
        "41 * * * *", lambda services: follow_disputes(services.rt, services.cards, services.operators)
    ),
    "collect_debts": Periodic(
        "* * * * * */10", lambda services: collect_debts(services.rt, services.cards, services.operators)
    ),
    "renew_subscriptions": Periodic(
        "* * * * * */10", lambda services: renew_subscriptions(services.rt, services.cards, services.operators)
    ),
    "tell_new_terms": Periodic("*/10 * * * *", lambda services: tell_new_terms(services.rt, services.operators)),
    "erase_due_riders": Periodic("*/10 * * * *", lambda services: erase_due_riders(services.rt, services.holds)),
    "forget_ended_verifications": Periodic("*/5 * * * *", lambda services: forget_ended_verifications(services.rt)),
    "forget_code_tries": Periodic("*/15 * * * *", lambda services: forget_code_tries(services.rt)),
    "forget_ended_logins": Periodic("*/15 * * * *", lambda services: forget_ended_logins(services.rt)),
    "forget_ended_driver_tokens": Periodic("*/15 * * * *", lambda services: forget_ended_driver_tokens(services.rt)),
    "forget_documents": Periodic("53 * * * *", lambda services: forget_documents(services.rt)),
    # Drivers who may not work any more, or are silent: their vehicle is free for others.
    "rest_drivers": Periodic("* * * * *", lambda services: rest_drivers(services.rt)),
    "forget_idempotent_requests": Periodic("*/5 * * * *", lambda services: forget_idempotent_requests(services.rt)),
    "sweep_pictures": Periodic("*/15 * * * *", lambda services: sweep_pictures(services.rt, services.blobs)),
    "keep_report_history": Periodic("7 * * * *", lambda services: keep_report_history(services.rt)),
    "expire_bonus": Periodic("* * * * *", lambda services: expire_bonus(services.rt)),
    "watch_open_rides": Periodic(
        "* * * * * */20", lambda services: watch_open_rides(services.rt, services.cards, services.zones)
    ),
    # Vehicles whose rider left them in a zone: the next one gets them whole.
    "release_from_zones": Periodic(
        "* * * * * */3", lambda services: release_from_zones(services.rt, services.operators, services.zones)
    ),
    "watch_batteries": Periodic("* * * * *", lambda services: watch_batteries(services.rt)),
    "locate_fleets": Periodic("* * * * *", lambda services: locate_fleets(services.rt)),
    "forget_slots": Periodic("47 * * * *", lambda services: forget_slots(services.rt)),
}
