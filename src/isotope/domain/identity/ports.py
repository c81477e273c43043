"""What this room needs of the outside world and of the rooms above it."""

from typing import Protocol

from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId


class SmsFailed(Exception):  # noqa: N818 - an outcome that callers handle
    """The message did not go out, as far as is known.

    Args:
        reason: for the log; never the number or the text.
        undeliverable: the number itself is the reason; trying again is useless.
    """

    def __init__(self, reason: str, *, undeliverable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.undeliverable = undeliverable


class SmsSender(Protocol):
    """Sends text messages."""

    async def send(self, phone_digits: str, body: str) -> None:
        """Hand one message over; returns when the provider took it.

        Args:
            phone_digits: country prefix and number, digits only.
            body: the text.

        Raises:
            SmsFailed: it was not taken.
        """
        ...


class PushFailed(Exception):  # noqa: N818 - an outcome that callers handle
    """The notification did not go out, as far as is known.

    Args:
        reason: for the log; never the token or the text.
        is_gone: the app is not there any more (or the token never was one); the token is of no use again.
    """

    def __init__(self, reason: str, *, is_gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_gone = is_gone


class PushSender(Protocol):
    """Sends notifications to apps."""

    async def send(self, token: str, title: str, body: str) -> None:
        """Hand one notification over; returns when the provider took it.

        Args:
            token: of the app on one device, as the provider gave it to the app.
            title: one line.
            body: the text below it.

        Raises:
            PushFailed: it was not taken.
        """
        ...


class DeletionHold(Protocol):
    """A reason of another room not to delete a rider yet: a ride runs, debt is open."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        """The refusal, or None; called with the rider's row locked."""
        ...
