"""The SQL of webhooks."""

from datetime import datetime

import msgspec

from isotope.domain.payments.model import CardEvent, CardPaymentId
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


class PaymentOf(msgspec.Struct, frozen=True):
    """Whose payment the provider means."""

    operator_id: OperatorId
    id: CardPaymentId


async def insert_event(tx: Tx, provider: str, event: CardEvent, now: datetime) -> bool:
    """False: it came before."""
    return bool(
        await tx.execute(
            """
            insert into card_event (provider, event_id, kind, type, ref, payment_ref, received_at)
            values (%(provider)s, %(id)s, %(kind)s, %(type)s, %(ref)s, %(payment_ref)s, %(now)s)
            on conflict (provider, event_id) do nothing
            """,
            {
                "provider": provider,
                "id": event.id,
                "kind": event.kind,
                "type": event.type,
                "ref": event.ref,
                "payment_ref": event.payment_ref,
                "now": now,
            },
        )
    )


async def set_operator(tx: Tx, provider: str, event_id: str, operator_id: OperatorId, now: datetime) -> None:
    """Whom it was about, and that what it says is being looked into."""
    await tx.execute(
        """
        update card_event set operator_id = %(operator_id)s, done_at = %(now)s
         where provider = %(provider)s and event_id = %(id)s
        """,
        {"operator_id": operator_id, "now": now, "provider": provider, "id": event_id},
    )


async def find_payments(tx: Tx, provider: str, payment_ref: str) -> list[PaymentOf]:
    """Payments by the provider's reference, of all operators: a webhook names none. One, as long as providers do their duty."""
    return await tx.all(
        PaymentOf,
        """
        select p.operator_id, p.id from card_payment p
          join card c on c.operator_id = p.operator_id and c.id = p.card_id
         where p.provider_ref = %(ref)s and c.provider = %(provider)s
         order by p.operator_id limit 10
        """,
        {"ref": payment_ref, "provider": provider},
    )


class UnmatchedEvent(msgspec.Struct, frozen=True):
    """A webhook about a payment that was not known here when it came."""

    provider: str
    event_id: str
    ref: str
    payment_ref: str


async def list_unmatched_disputes(tx: Tx, provider: str, since: datetime, limit: int) -> list[UnmatchedEvent]:
    """Since a time, oldest first."""
    return await tx.all(
        UnmatchedEvent,
        """
        select provider, event_id, ref, payment_ref from card_event
         where received_at >= %(since)s and provider = %(provider)s and kind = 'DISPUTE' and done_at is null
           and payment_ref is not null
         order by received_at limit %(limit)s
        """,
        {"since": since, "provider": provider, "limit": limit},
    )


async def delete_events(tx: Tx, before: datetime, limit: int) -> int:
    """Drop what came so long ago that no provider sends it again."""
    return await tx.execute(
        """
        delete from card_event where (provider, event_id) in (
               select provider, event_id from card_event
                where received_at < %(before)s limit %(limit)s for update skip locked)
        """,
        {"before": before, "limit": limit},
    )
