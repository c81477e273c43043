"""The part of a rider's app that rents vehicles for given dates: find, book, pick up, stop, extend, bring back, cancel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isotope.infra.clock import SystemClock
from isotope.kernel.geo import Point
from isotope.simulator.api import Files
from isotope.simulator.app import App
from isotope.simulator.photo import parked_photo


@dataclass(frozen=True, slots=True)
class Place:
    """A station as `get-available-zones` shows it."""

    id: int
    title: str
    at: Point


@dataclass(frozen=True, slots=True)
class Rented:
    """A booking. `page` is where the bank wants a confirmation; `nr` is its vehicle's, which may become another."""

    id: int
    status: str
    place_id: int
    nr: str
    vehicle_at: Point | None
    page: str | None = None


class RentalApp:
    """What a rider's app does about rentals."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._clock = SystemClock()

    def now(self) -> datetime:
        """By the phone."""
        return self._clock.now()

    async def places(self) -> list[Place]:
        """The stations, open or not."""
        answer = await self._app.api.post("rental/get-available-zones", {})
        return [
            Place(int(zone["id"]), str(zone["title"]), _point(zone["coordinates"]))
            for zone in answer["available_zones"]
        ]

    async def models(self, place: Place, start: datetime, end: datetime) -> list[int]:
        """The models of which a vehicle is free for exactly this time, cheapest first."""
        body = _dates(place, start, end) | {"show_exact_match": True}
        answer = await self._app.api.post("rental/get-vehicle-models", body)
        return [int(model["id"]) for model in answer["vehicle_models"]]

    async def book(self, place: Place, start: datetime, end: datetime, *, model_id: int, method: str) -> Rented:
        """Pay for a vehicle of the model, by `payment_method_id`."""
        body = _dates(place, start, end) | {"vehicle_model_id": model_id, "payment_method_id": method}
        return _rented(await self._post("create-booking", body))

    async def look(self, booking_id: int) -> Rented:
        return _rented(await self._app.api.post("rental/get-booking", {"booking_id": booking_id}, self._app.token))

    async def bookings(self, status: str) -> list[Rented]:
        """The rider's own that are UPCOMING or ACTIVE."""
        answer = await self._app.api.post("user/get-user-bookings", {"booking_status": status}, self._app.token)
        return [_rented(booking) for booking in answer["bookings"]]

    async def pick_up(self, booking_id: int, *, photo: bool = False) -> Rented:
        return _rented(await self._post_form("pick-up", {"booking_id": booking_id}, booking_id, photo=photo))

    async def lock(self, booking_id: int) -> None:
        await self._post("lock-vehicle", {"booking_id": booking_id})

    async def unlock(self, booking_id: int) -> None:
        await self._post("unlock-vehicle", {"booking_id": booking_id})

    async def extend(self, booking_id: int, end: datetime) -> str | None:
        """The bank's page, if it wants a confirmation."""
        answer = await self._post("extend-booking", {"booking_id": booking_id, "return_date": _text(end)})
        page = answer["redirect_url"]
        return None if page is None else str(page)

    async def bring_back(self, booking_id: int, at: Point, *, photo: bool = False) -> Rented:
        fields = {
            "booking_id": booking_id,
            "user_latitude": at.lat,
            "user_longitude": at.lon,
            "user_location_timestamp": int(self._clock.now().timestamp()),
        }
        return _rented(await self._post_form("return-vehicle", fields, booking_id, photo=photo))

    async def cancel(self, booking_id: int) -> None:
        await self._post("cancel-booking", {"booking_id": booking_id})

    async def _post(self, name: str, body: dict[str, Any]) -> Any:
        return await self._app.api.post(f"rental/{name}", body, self._app.token, key=True)

    async def _post_form(self, name: str, fields: dict[str, Any], booking_id: int, *, photo: bool) -> Any:
        files: Files = [("images", ("car.png", parked_photo(booking_id), "image/png"))] if photo else []
        return await self._app.api.post_form(f"rental/{name}", fields, files, self._app.token)


def _dates(place: Place, start: datetime, end: datetime) -> dict[str, Any]:
    return {
        "pick_up_zone_id": place.id,
        "return_zone_id": place.id,
        "pick_up_date": _text(start),
        "return_date": _text(end),
    }


def _text(at: datetime) -> str:
    """With its offset, so that nobody has to know where the station's clock stands."""
    return at.isoformat(timespec="seconds")


def _rented(answer: Any) -> Rented:
    """Of `create-booking` and its likes, and of an item of `get-user-bookings`."""
    rental, vehicle = answer["rental"], answer["vehicle"]
    coordinates = vehicle.get("coordinates")
    return Rented(
        id=int(rental["booking_id"]),
        status=str(rental["booking_status"]),
        place_id=int(rental["pick_up_zone_id"]),
        nr=str(vehicle["nr"]),
        vehicle_at=_point(coordinates) if coordinates else None,
        page=rental.get("redirect_url"),
    )


def _point(coordinates: Any) -> Point:
    return Point(coordinates["latitude"], coordinates["longitude"])
