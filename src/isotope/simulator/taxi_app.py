"""The part of a rider's app that calls taxis: find places, see prices, request, look, cancel, rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isotope.kernel.geo import Point
from isotope.simulator.app import App


@dataclass(frozen=True, slots=True)
class Quote:
    """A class that can be had for a price, for as long as the token lives."""

    class_id: int
    token: str


@dataclass(frozen=True, slots=True)
class Ride:
    """A trip as the rider sees it. `ask_in_s` None: nothing will change by itself."""

    id: int
    status: str
    pin: str | None
    actions: Sequence[str]
    ask_in_s: int | None


class TaxiApp:
    """What a rider's app does about taxis."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def place(self, at: Point) -> str:
        """The token of a point on the map."""
        answer = await self._app.api.post("taxi/get-place", {"latitude": at.lat, "longitude": at.lon})
        return str(answer["token"])

    async def suggest(self, typed: str, near: Point) -> list[str]:
        """The tokens of places that are like what was typed, best first."""
        body = {"address": typed, "latitude": near.lat, "longitude": near.lon}
        answer = await self._app.api.post("taxi/get-suggestions", body)
        return [str(item["token"]) for item in answer["items"]]

    async def quotes(self, waypoints: Sequence[str], *, cash: bool, at: datetime | None = None) -> list[Quote]:
        """Classes that can be requested now, or for `at` by the operator's clock."""
        body: dict[str, Any] = {"waypoints": list(waypoints), "is_cash_payment": cash, "allow_scheduled_rides": True}
        answer = await self._app.api.post("taxi/get-drivers", body | _when(at), self._app.token)
        return [
            Quote(int(offered["id"]), str(offered["token"]))
            for offered in answer["classes"]
            if offered["token"] is not None
        ]

    async def request(self, quote: Quote, *, method: str | None, at: datetime | None, comment: str = "") -> int:
        """The number of the ride."""
        body: dict[str, Any] = {"token": quote.token, "payment_method_id": method, "comment": comment or None}
        answer = await self._app.api.post("taxi/request-ride", body | _when(at), self._app.token, key=True)
        return int(answer["ride_id"])

    async def look(self, ride_id: int | None) -> Ride | None:
        """Without a number the one under way; None: there is none."""
        answer = await self._app.api.post("taxi/get-ride", {"ride_id": ride_id}, self._app.token)
        ride = answer["ride"]
        if ride is None:
            return None
        return Ride(
            id=int(ride["ride_id"]),
            status=str(ride["status"]),
            pin=ride["pin"],
            actions=tuple(ride["allowed_actions"]),
            ask_in_s=answer["next_request_seconds"],
        )

    async def cancel(self, ride: Ride) -> None:
        name = "cancel-scheduled-ride" if ride.status == "SCHEDULED_RIDE" else "cancel-ride"
        await self._app.api.post(f"taxi/{name}", {"ride_id": ride.id}, self._app.token, key=True)

    async def rate(self, ride_id: int, stars: int, comment: str | None) -> None:
        body = {"ride_id": ride_id, "rating": stars, "comment": comment}
        await self._app.api.post("taxi/rate-ride", body, self._app.token, key=True)


def _when(at: datetime | None) -> dict[str, str]:
    if at is None:
        return {}
    return {"scheduled_date": at.date().isoformat(), "scheduled_time": f"{at:%H:%M}"}
