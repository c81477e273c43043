"""Who may change a trip into what; nothing else changes its status.

| from | to | who | what it is |
|---|---|---|---|
| AUTHORISING | REQUESTED, SCHEDULED | system | the card reserved the amount |
| AUTHORISING | CANCELED | system, rider, staff | it did not; or the rider thought better of it |
| REQUESTED | ACCEPTED | driver, staff | the first one wins; a dispatcher assigns |
| REQUESTED | CANCELED | rider, staff, system | system: nobody was found in time |
| SCHEDULED | REQUESTED | system | time to look for a driver |
| SCHEDULED | ACCEPTED | driver, staff, system | the promised driver sets off |
| SCHEDULED | CANCELED | rider, staff, system | |
| ACCEPTED | ARRIVED | driver | near the pick-up |
| ACCEPTED, ARRIVED | REQUESTED | driver, staff | given up: put back to be offered to others |
| ACCEPTED, ARRIVED | CANCELED | rider, staff, driver, system | driver: a no-show, or given up for the last time |
| ARRIVED | STARTED | driver | the rider is on board |
| STARTED | ENDED | driver, staff | |
| ENDED, CANCELED | | nobody | they are final |
"""

from collections.abc import Mapping
from typing import Final, Literal

from isotope.domain.taxi import errors
from isotope.domain.taxi.model import TripStatus
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal

Role = Literal["rider", "driver", "staff", "system"]

S = TripStatus
CHANGES: Final[Mapping[tuple[TripStatus, TripStatus], frozenset[Role]]] = {
    (S.AUTHORISING, S.REQUESTED): frozenset({"system"}),
    (S.AUTHORISING, S.SCHEDULED): frozenset({"system"}),
    (S.AUTHORISING, S.CANCELED): frozenset({"system", "rider", "staff"}),
    (S.REQUESTED, S.ACCEPTED): frozenset({"driver", "staff"}),
    (S.REQUESTED, S.CANCELED): frozenset({"rider", "staff", "system"}),
    (S.SCHEDULED, S.REQUESTED): frozenset({"system"}),
    (S.SCHEDULED, S.ACCEPTED): frozenset({"driver", "staff", "system"}),
    (S.SCHEDULED, S.CANCELED): frozenset({"rider", "staff", "system"}),
    (S.ACCEPTED, S.ARRIVED): frozenset({"driver"}),
    (S.ACCEPTED, S.REQUESTED): frozenset({"driver", "staff"}),
    (S.ARRIVED, S.REQUESTED): frozenset({"driver", "staff"}),
    (S.ACCEPTED, S.CANCELED): frozenset({"rider", "staff", "driver", "system"}),
    (S.ARRIVED, S.CANCELED): frozenset({"rider", "staff", "driver", "system"}),
    (S.ARRIVED, S.STARTED): frozenset({"driver"}),
    (S.STARTED, S.ENDED): frozenset({"driver", "staff"}),
}


def may_change(before: TripStatus, after: TripStatus, role: Role) -> Refusal | None:
    """By the table above."""
    if role in CHANGES.get((before, after), frozenset()):
        return None
    return errors.trip_status(before, sources_of(after, role))


def sources_of(after: TripStatus, role: Role) -> list[TripStatus]:
    """From where a role gets a trip there."""
    return [before for (before, to), roles in CHANGES.items() if to is after and role in roles]


def role_of(actor: Actor) -> Role:
    """`rider:7`, and `secret_key` that acts for a rider; `driver:2`; `staff:3`; all else is the system."""
    match actor.partition(":")[0]:
        case "rider" | "secret_key":
            return "rider"
        case "driver":
            return "driver"
        case "staff":
            return "staff"
        case _:
            return "system"
