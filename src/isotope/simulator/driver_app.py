"""A taxi driver's app: logs in by the code flow, goes online, tells where it is, shows offers and the trip."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from isotope.kernel.geo import Point
from isotope.simulator.api import Api
from isotope.simulator.app import App
from isotope.simulator.errors import SimulatorError

_FILE: Final = "drivers.csv"


@dataclass(frozen=True, slots=True)
class Fix:
    """Where the phone was, and when, in Unix seconds."""

    at: int
    point: Point


@dataclass(frozen=True, slots=True)
class Offered:
    """A trip that the driver may take. `later`: it is for a time that was agreed, not for now."""

    id: int
    trip_id: int
    expires_at: int
    later: bool


@dataclass(frozen=True, slots=True)
class Job:
    """The trip that the driver is in, or promised.

    `points`: the pick-up first; `next_stop`: the number of a stop on the way; `at`: for a trip for later, in Unix seconds.
    """

    id: int
    status: str
    actions: Sequence[str]
    points: Sequence[Point]
    next_stop: int | None
    pin_required: bool
    cash_due: Decimal
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What the app shows now."""

    is_online: bool
    offers: Sequence[Offered]
    job: Job | None


def load_drivers(folder: Path) -> list[tuple[str, str]]:
    """The phones (prefix, number) of the folder's drivers; none if it has no such file.

    Raises:
        SimulatorError: the file has other columns.
    """
    file = folder / _FILE
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            return [(row["phone_prefix"].strip(), row["phone"].strip()) for row in csv.DictReader(lines)]
        except (KeyError, AttributeError) as error:
            raise SimulatorError(f"{file} has no phone_prefix and phone in every line") from error


class DriverApp:
    """One driver's app; `log_in` first."""

    def __init__(self, api: Api, rng: Random, phone: tuple[str, str]) -> None:
        self._api = api
        # The code flow is the riders' own, with another word for what it is for.
        self._flow = App(api, rng)
        self._flow.phone = phone
        self._token = ""
        self.time_zone = ""

    async def log_in(self) -> int:
        """By a code. The number of the vehicle that the driver may drive."""
        verified = await self._flow.verified_token("DRIVER")
        self._token = str((await self._api.post("driver/login", {"phone_token": verified}))["token"])
        profile = await self._api.post("driver/get-profile", {}, self._token)
        self.time_zone = str(profile["time_zone"])
        return int(profile["vehicles"][0]["taxi_vehicle_id"])

    async def go_online(self, vehicle_id: int, at: Point) -> None:
        body = {"taxi_vehicle_id": vehicle_id, "latitude": at.lat, "longitude": at.lon}
        await self._post("go-online", body)

    async def go_offline(self) -> None:
        await self._post("go-offline", {})

    async def send(self, fixes: Sequence[Fix]) -> None:
        """At most a hundred."""
        positions = [{"latitude": fix.point.lat, "longitude": fix.point.lon, "at": fix.at} for fix in fixes]
        await self._api.post("driver/send-positions", {"positions": positions}, self._token)

    async def work(self) -> Work:
        answer = await self._api.post("driver/get-work", {}, self._token)
        offers = [
            Offered(int(o["offer_id"]), int(o["trip_id"]), int(o["expires_at"]), o["scheduled_at"] is not None)
            for o in answer["offers"]
        ]
        trip = answer["trip"]
        is_online = answer["presence"]["presence"] != "OFFLINE"
        return Work(is_online=is_online, offers=offers, job=None if trip is None else _job(trip))

    async def accept(self, offer_id: int) -> None:
        await self._post("accept-offer", {"offer_id": offer_id})

    async def decline(self, offer_id: int, reason: str) -> None:
        await self._post("decline-offer", {"offer_id": offer_id, "reason": reason})

    async def promised(self) -> list[Job]:
        """Trips for later that the driver accepted."""
        answer = await self._api.post("driver/get-promised-trips", {}, self._token)
        return [_job(trip) for trip in answer["trips"]]

    async def set_off(self, trip_id: int) -> None:
        await self._post("set-off", {"trip_id": trip_id})

    async def arrive(self, trip_id: int) -> None:
        await self._post("arrive", {"trip_id": trip_id})

    async def start(self, trip_id: int, pin: str | None) -> None:
        await self._post("start-trip", {"trip_id": trip_id, "pin": pin})

    async def reach_stop(self, trip_id: int, nr: int) -> None:
        await self._post("reach-stop", {"trip_id": trip_id, "stop": nr})

    async def end(self, trip_id: int) -> None:
        await self._post("end-trip", {"trip_id": trip_id})

    async def take_cash(self, trip_id: int, amount: Decimal) -> None:
        await self._post("take-cash", {"trip_id": trip_id, "amount": str(amount)})

    async def give_up(self, trip_id: int, reason: str) -> None:
        await self._post("cancel-trip", {"trip_id": trip_id, "reason": reason})

    async def _post(self, name: str, body: dict[str, Any]) -> Any:
        return await self._api.post(f"driver/{name}", body, self._token, key=True)


def _job(trip: Any) -> Job:
    return Job(
        id=int(trip["trip_id"]),
        status=str(trip["status"]),
        actions=tuple(trip["actions"]),
        points=[Point(p["coordinates"]["latitude"], p["coordinates"]["longitude"]) for p in trip["points"]],
        next_stop=trip["next_stop"],
        pin_required=bool(trip["pin_required"]),
        cash_due=Decimal(str(trip["cash_due"])),
        at=trip["scheduled_at"],
    )
