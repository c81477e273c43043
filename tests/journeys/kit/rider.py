"""A rider of the demo operator, as its app speaks."""

import csv
import secrets
from dataclasses import dataclass
from typing import Any

import httpx2

from isotope.kernel.geo import Point
from tests.journeys.kit.system import DEMO_CITY, System
from tests.kit.devices import FakeUnit, Manner


@dataclass(frozen=True, slots=True)
class DemoVehicle:
    """A row of the demo city's vehicles."""

    nr: str
    place: Point
    identity: str
    secret: str

    def unit(self, system: System, manner: Manner = Manner.OBEY) -> FakeUnit:
        return FakeUnit(
            system.gateway_port,
            self.identity,
            self.secret,
            manner=manner,
            lat=self.place.lat,
            lon=self.place.lon,
            odometer_m=10_000_000,
        )


def demo_vehicles(count: int) -> list[DemoVehicle]:
    """The first of the demo city's vehicles."""
    with (DEMO_CITY / "vehicles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:count]
    return [
        DemoVehicle(
            row["nr"], Point(float(row["lat"]), float(row["lon"])), row["device_identity"], row["device_secret"]
        )
        for row in rows
    ]


@dataclass(slots=True)
class DemoRider:
    """Registered with a skipped code, with money in the wallet."""

    client: httpx2.AsyncClient
    token: str = ""

    async def post(self, path: str, body: dict[str, Any], token: str | None = None) -> httpx2.Response:
        headers = {"App-Public-Key": "demo-public", "Authorization": f"Bearer {token or self.token}"}
        return await self.client.post(f"/openapi/v1.0/{path}", json=body, headers=headers)

    async def register(self, money: int = 20) -> None:
        phone = f"50{secrets.randbelow(10**7):07d}"
        asked = await self.post(
            "authorization/request-phone-verification",
            {"phone_prefix": "358", "phone": phone, "flow": "REGISTER", "skip_otp": True},
            "demo-secret",
        )
        proved = await self.post(
            "authorization/verify-phone-code", {"phone_token": asked.json()["phone_token"]}, "demo-secret"
        )
        made = await self.post(
            "authorization/register",
            {"name": "Test Rider", "email": "t@example.test", "phone_token": proved.json()["phone_token"]},
            "demo-secret",
        )
        self.token = made.json()["token"]
        body = {"user_id": made.json()["user_id"], "amount": money, "money_type": "BALANCE"}
        assert (await self.post("user/add-money", body, "demo-secret")).status_code == 200

    async def start(self, vehicle: DemoVehicle) -> httpx2.Response:
        place = {"user_latitude": vehicle.place.lat, "user_longitude": vehicle.place.lon}
        return await self.post("sharing/start-ride", {"vehicle_number": vehicle.nr, **place})

    async def sees_vehicles(self) -> bool:
        """Whether anything can be rented around the centre."""
        around = {"user_latitude": 60.1699, "user_longitude": 24.9384, "radius_in_km": 2}
        return bool((await self.post("sharing/get-vehicles", around)).json()["vehicles"])

    async def balance(self) -> float:
        return float((await self.post("user/get-user-data", {})).json()["user_balance"])
