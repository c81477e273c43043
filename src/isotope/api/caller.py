"""Who calls."""

from dataclasses import dataclass

from isotope.domain.drivers.model import Driver
from isotope.domain.identity.model import Rider
from isotope.domain.tenants.model import Operator, Staff


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody in particular: at most an operator's public key."""


@dataclass(frozen=True, slots=True)
class RiderCaller:
    """A rider by their own token. `token` is needed to end it at a refresh; it is never logged."""

    rider: Rider
    token: str


@dataclass(frozen=True, slots=True)
class SecretCaller:
    """The operator's own systems, by the secret key, for `rider` where the operation is for one."""

    rider: Rider | None = None


@dataclass(frozen=True, slots=True)
class StaffCaller:
    """A member of the operator's staff, by a dashboard token."""

    operator: Operator
    staff: Staff


@dataclass(frozen=True, slots=True)
class DriverCaller:
    """A driver by their own token. `token` is needed to end it; it is never logged."""

    driver: Driver
    token: str


Caller = Anonymous | RiderCaller | SecretCaller | StaffCaller | DriverCaller
