"""A rider's app: every step that a person takes through the API, and nothing that an app cannot do.

Two things only a demo allows: the phone code is read from /dev/outbox, and money is added with the secret key, as if
somebody brought it to the operator's desk.
"""

import asyncio
import re
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

from isotope.infra.clock import SystemClock
from isotope.kernel.geo import Point
from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError, Files
from isotope.simulator.photo import parked_photo

_CODE: Final = re.compile(r"\b\d{6}\b")
_CODE_LOOKS: Final = 50
_NAMES: Final = (
    "Aino",
    "Eino",
    "Helmi",
    "Ilmari",
    "Kerttu",
    "Lauri",
    "Meri",
    "Onni",
    "Saara",
    "Toivo",
    "Venla",
    "Väinö",
)
# Country prefix, first digits of its mobile numbers, how many digits follow.
_MOBILES: Final = (("358", "40", 7), ("358", "50", 7), ("371", "29", 6), ("46", "70", 7), ("47", "9", 7))


@dataclass(frozen=True, slots=True)
class Seen:
    """A vehicle as get-vehicles shows it."""

    id: int
    nr: str
    type: str
    at: Point
    battery_pct: float


@dataclass(frozen=True, slots=True)
class Riding:
    """An open ride. After a restart an app may know nothing but its number."""

    ride_id: int
    vehicle_id: int | None = None
    nr: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """What an ended ride cost; `by_card` was taken from a card, or is still asked for."""

    total: Decimal
    by_card: Decimal


@dataclass(frozen=True, slots=True)
class Wallet:
    """What get-user-data says about money, in whole units of the currency."""

    balance: Decimal
    bonus: Decimal
    debt: Decimal


@dataclass(frozen=True, slots=True)
class TopUp:
    """A payment by card into the wallet. `page` is where the bank wants a confirmation."""

    id: int
    status: str
    page: str | None = None


def new_phone(rng: Random) -> tuple[str, str]:
    """A mobile number that could exist: country prefix, number."""
    prefix, begin, digits = rng.choice(_MOBILES)
    return prefix, begin + "".join(str(rng.randrange(10)) for _ in range(digits))


class App:
    """One rider's app. `sign_up` or `resume` first; everything else needs the token they leave here."""

    def __init__(self, api: Api, rng: Random) -> None:
        self.api = api
        self.token = ""
        self.user_id = 0
        self.phone = ("", "")
        self._rng = rng
        self._clock = SystemClock()

    async def sign_up(self) -> None:
        """Register a new number: code by phone, name, address."""
        self.phone = new_phone(self._rng)
        verified = await self.verified_token("REGISTER")
        name = self._rng.choice(_NAMES)
        email = f"{self.phone[0]}{self.phone[1]}@riders.test"
        body = {"name": name, "email": email, "phone_token": verified, "device_os": "WEB", "agree_marketing": False}
        self._signed_in(await self.api.post("authorization/register", body))

    async def log_in(self) -> None:
        """The same number again."""
        body = {"phone_token": await self.verified_token("LOGIN")}
        self._signed_in(await self.api.post("authorization/login", body))

    async def verified_token(self, flow: str) -> str:
        prefix, phone = self.phone
        asked = {"phone_prefix": prefix, "phone": phone, "flow": flow, "skip_ip_address_check": True}
        sent = await self.api.post("authorization/request-phone-verification", asked, "secret")
        answer = {"code": await self._code(prefix + phone), "phone_token": sent["phone_token"]}
        return str((await self.api.post("authorization/verify-phone-code", answer))["phone_token"])

    async def _code(self, digits: str) -> str:
        """The code of the newest message, as one reads it off the phone."""
        for _ in range(_CODE_LOOKS):
            messages = await self.api.get("/dev/outbox", {"phone": digits})
            if messages and (found := _CODE.search(str(messages[0]["body"]))):
                return found.group()
            await asyncio.sleep(0.1)
        raise ApiUnavailableError(f"no code came for {digits}")

    def _signed_in(self, answer: Any) -> None:
        self.token, self.user_id = str(answer["token"]), int(answer["user_id"])

    async def wallet(self) -> Wallet:
        data = await self.api.post("user/get-user-data", {}, self.token)
        return Wallet(
            balance=Decimal(str(data["user_balance"])),
            bonus=Decimal(str(data["user_bonus"])),
            debt=Decimal(str(data["user_debt"])),
        )

    async def add_money(self, amount: str, kind: str = "BALANCE") -> None:
        """As the operator's back office does after a payment; settles debt first."""
        body = {"amount": amount, "money_type": kind, "user_id": self.user_id}
        await self.api.post("user/add-money", body, "secret", key=True)

    async def cards(self) -> list[str]:
        """The `payment_method_id` of each saved card."""
        methods = await self.api.post("user/get-user-payment-methods", {"flow": "SHARING"}, self.token)
        return [str(m["payment_method_id"]) for m in methods["payment_methods"] if m["type"] == "CARD"]

    async def card_page(self) -> str:
        """Where a card can be saved."""
        return str((await self.api.post("user/add-payment-method", {}, self.token, key=True))["redirect_url"])

    async def choose(self, method: str) -> None:
        """What pays for rides from now on."""
        body = {"flow": "SHARING", "payment_method_id": method}
        await self.api.post("user/choose-payment-method", body, self.token)

    async def top_up(self, amount: str, card: str) -> TopUp:
        """From a card into the wallet; settles debt first."""
        body = {"amount": amount, "payment_method_id": card}
        return _top_up(await self.api.post("user/top-up", body, self.token, key=True))

    async def pay_debt(self, card: str) -> TopUp:
        return _top_up(await self.api.post("user/pay-debt", {"payment_method_id": card}, self.token, key=True))

    async def look_at_top_up(self, top_up_id: int) -> TopUp:
        return _top_up(await self.api.post("user/get-top-up", {"top_up_id": top_up_id}, self.token))

    async def auto_topup(self, threshold: str, amount: str, card: str) -> None:
        """Let the wallet be filled from a card whenever less than `threshold` is left."""
        body = {"is_on": True, "threshold": threshold, "amount": amount, "payment_method_id": card}
        await self.api.post("user/set-auto-topup", body, self.token, key=True)

    async def vehicles(self, at: Point, radius_km: int) -> list[Seen]:
        body = {"user_latitude": at.lat, "user_longitude": at.lon, "radius_in_km": radius_km}
        answer = await self.api.post("sharing/get-vehicles", body, self.token)
        return [
            Seen(
                id=int(v["id"]),
                nr=str(v["nr"]),
                type=str(v["type"]),
                at=Point(v["coordinates"]["latitude"], v["coordinates"]["longitude"]),
                battery_pct=float(v["battery_level"]),
            )
            for v in answer["vehicles"]
        ]

    async def zones(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = await self.api.post("sharing/get-zones", {})
        return answer

    async def pricing(self, vehicle_id: int) -> Any:
        return await self.api.post("sharing/get-vehicle-pricing", {"vehicle_id": vehicle_id}, self.token)

    async def ring(self, vehicle_id: int, at: Point) -> None:
        body = {"vehicle_id": vehicle_id, "user_latitude": at.lat, "user_longitude": at.lon}
        await self.api.post("sharing/ring-vehicle", body, self.token)

    async def reserve(self, vehicle: Seen, at: Point) -> int:
        """Have the vehicle kept while walking to it; the reservation's number."""
        body = {"vehicle_id": vehicle.id, "user_latitude": at.lat, "user_longitude": at.lon}
        return int((await self.api.post("sharing/reserve-vehicle", body, self.token, key=True))["reservation_id"])

    async def cancel_reservation(self, reservation_id: int) -> None:
        await self.api.post("sharing/cancel-reservation", {"reservation_id": reservation_id}, self.token, key=True)

    async def start(self, vehicle: Seen, at: Point, method: str | None = None) -> Riding:
        """`method`: what pays, as `payment_method_id` says it; None: what the rider chose."""
        body: dict[str, Any] = {"vehicle_id": vehicle.id, "user_latitude": at.lat, "user_longitude": at.lon}
        if method is not None:
            body["payment_method_id"] = method
        answer = await self.api.post("sharing/start-ride", body, self.token, key=True)
        return Riding(int(answer["active_ride_id"]), vehicle.id, vehicle.nr)

    async def current(self, riding: Riding) -> Any:
        return await self.api.post("sharing/get-current-ride", {"active_vehicle_id": [riding.vehicle_id]}, self.token)

    async def pause(self, riding: Riding) -> None:
        await self.api.post("sharing/pause", {"vehicle_id": riding.vehicle_id}, self.token)

    async def unpause(self, riding: Riding) -> None:
        await self.api.post("sharing/unpause", {"vehicle_id": riding.vehicle_id}, self.token)

    async def end(self, riding: Riding, at: Point, *, photo: bool = False, fine: str | None = None) -> Bill:
        """End the ride at `at`, for a fine that a call before told of if need be."""
        fields: dict[str, Any] = {
            "active_ride_id": riding.ride_id,
            "user_latitude": at.lat,
            "user_longitude": at.lon,
            "user_location_timestamp": int(self._clock.now().timestamp()),
        }
        if riding.vehicle_id is not None:
            fields["vehicle_id"] = riding.vehicle_id
        if fine is not None:
            fields["accepted_fine"] = fine
        files: Files = [("images", ("parked.png", parked_photo(riding.ride_id), "image/png"))] if photo else []
        answer = await self.api.post_form("sharing/end-ride", fields, files, self.token)
        info = answer["payment_info"]
        by_card = Decimal(str(info["charged_card"])) + Decimal(str(info["pending"]))
        return Bill(amount(str(answer["total_paid"])), by_card)

    async def active_rides(self) -> list[int]:
        return [int(i) for i in (await self.api.post("sharing/get-active-rides", {}, self.token))["active_ride_ids"]]


def _top_up(answer: Any) -> TopUp:
    return TopUp(int(answer["top_up_id"]), str(answer["status"]), answer["redirect_url"])


def amount(text: str) -> Decimal:
    """The number in a price text such as `1.50` or `1.50 EUR`."""
    found = re.search(r"-?\d+(\.\d+)?", text)
    return Decimal(found.group()) if found else Decimal(0)


def nearest_legal(no: ApiRefused) -> Point | None:
    """Where the refusal of an end says that the ride may be ended."""
    nearest = no.details.get("nearest_parking")
    if not no.code.startswith("end_refused") or not nearest:
        return None
    return Point(nearest["coordinates"]["latitude"], nearest["coordinates"]["longitude"])


def fine_offered(no: ApiRefused) -> str | None:
    """For how much the refusal of an end says that the ride may be ended all the same."""
    fine = no.details.get("fine")
    return str(fine["amount"]) if fine else None
