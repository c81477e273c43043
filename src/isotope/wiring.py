"""Where everything is joined: what a process of Isotope is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar

from isotope.adapters.blobs import make_blobs
from isotope.adapters.cards.make import make_card_provider
from isotope.adapters.maps.make import make_maps
from isotope.adapters.push.make import make_push
from isotope.adapters.sms import OutboxSms, TwilioSms
from isotope.api.app import create_app as create_api
from isotope.api.context import Services
from isotope.domain.benefits import Packages
from isotope.domain.devices import listen_for_outcomes
from isotope.domain.fleet import LiveMap
from isotope.domain.identity.ports import SmsSender
from isotope.domain.payments import Cards, Purpose
from isotope.domain.rental import BookingCardHold, BookingHold, record_booking_answer, record_deposit_answer
from isotope.domain.sharing import RideCardHold, RideHold, record_ride_answer
from isotope.domain.subscriptions import record_subscription_answer
from isotope.domain.taxi import TripCardHold, TripHold, listen_for_trips, record_trip_answer
from isotope.domain.tenants import Operators
from isotope.domain.wallet import DebtHold, PaymentHold
from isotope.domain.zones import Zones
from isotope.infra.clock import SystemClock
from isotope.infra.config import Config, public_url_of
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime

HOLDS: Final = (RideHold(), BookingHold(), TripHold(), PaymentHold(), DebtHold())
CARD_HOLDS: Final = (RideCardHold(), BookingCardHold(), TripCardHold())


def make_sms(config: Config, rt: Runtime) -> SmsSender:
    """The sender that the settings name."""
    if config.sms == "twilio":
        return TwilioSms(
            account=config.twilio_account,
            token=config.twilio_token,
            sender=config.twilio_from,
            base_url=config.twilio_url,
        )
    return OutboxSms(rt)


def make_cards(config: Config) -> Cards:
    """The card provider that the settings name, and who writes down what it answers about what is sold."""
    return Cards(
        provider=make_card_provider(config),
        recorders={
            Purpose.RIDE: record_ride_answer,
            Purpose.SUBSCRIPTION: record_subscription_answer,
            Purpose.BOOKING: record_booking_answer,
            Purpose.BOOKING_EXTRA: record_booking_answer,
            Purpose.DEPOSIT: record_deposit_answer,
            Purpose.TRIP: record_trip_answer,
        },
        public_url=public_url_of(config),
    )


def make_services(config: Config, rt: Runtime) -> Services:
    """Everything subscribes to the hub in here, so the hub must not run yet."""
    listen_for_outcomes(rt.hub)
    listen_for_trips(rt.hub)
    return Services(
        config=config,
        rt=rt,
        operators=Operators(rt),
        zones=Zones(rt),
        live_map=LiveMap(rt),
        packages=Packages(rt),
        sms=make_sms(config, rt),
        push=make_push(config, rt),
        blobs=make_blobs(config),
        maps=make_maps(config, rt),
        cards=make_cards(config),
        holds=HOLDS,
        card_holds=CARD_HOLDS,
    )


@asynccontextmanager
async def open_services(config: Config, *, live_map: bool = True) -> AsyncIterator[Services]:
    """A process's services, running: connected, listening, and (for the API) with the fleet in memory."""
    rt = Runtime(
        db=Database(config.database_url, max_size=config.db_pool),
        clock=SystemClock(),
        hub=Hub(config.database_url),
        jobs=Jobs(),
    )
    services = make_services(config, rt)
    await rt.db.open()
    try:
        await rt.hub.start()
        if live_map:
            await services.live_map.start()
        yield services
    finally:
        if live_map:
            await services.live_map.stop()
        await services.maps.close()
        await rt.hub.stop()
        await rt.db.close()


def create_app(services: Services) -> Litestar:
    """The HTTP application over running services."""
    return create_api(services)
