"""Who did it: one short text in ledgers, commands and logs. Never personal data."""

from typing import Final, NewType

from isotope.kernel.ids import DriverId, RiderId, StaffId

Actor = NewType("Actor", str)

SYSTEM: Final = Actor("system")
SECRET_KEY: Final = Actor("secret_key")


def rider_actor(rider_id: RiderId) -> Actor:
    return Actor(f"rider:{rider_id}")


def driver_actor(driver_id: DriverId) -> Actor:
    return Actor(f"driver:{driver_id}")


def staff_actor(staff_id: StaffId) -> Actor:
    return Actor(f"staff:{staff_id}")
