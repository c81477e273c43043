"""Hearing of trips."""

from isotope.domain.taxi.store import DRIVER_CHANNEL, TRIP_CHANNEL
from isotope.infra.hub import Hub


def listen_for_trips(hub: Hub) -> None:
    """Once a process, before the hub starts: whoever looks at a trip, or waits for an offer, is then woken at once."""
    hub.listen(TRIP_CHANNEL)
    hub.listen(DRIVER_CHANNEL)
