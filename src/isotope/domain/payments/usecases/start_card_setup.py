"""Send a rider to the provider's page, on which they save a card."""

from datetime import timedelta
from typing import Final

import msgspec
import structlog

from isotope.domain.identity import lock_rider
from isotope.domain.payments import errors, setups
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import CardSetup
from isotope.domain.payments.ports import CardsUnclear, StartSetup
from isotope.domain.payments.queries import MOST_CARDS
from isotope.domain.payments.return_urls import refuse_return_url
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.ids import RiderId

_log = structlog.get_logger(__name__)

LIFE: Final = timedelta(hours=1)
# Who comes back is seen at once; the worker looks for those who do not.
LEFT_TO_BROWSER: Final = timedelta(minutes=1)


class StartCardSetup(msgspec.Struct, frozen=True, kw_only=True):
    """`return_url` None: the rider ends on a page of ours."""

    operator: Operator
    rider_id: RiderId
    language: str
    return_url: str | None = None


async def start_card_setup(rt: Runtime, cards: Cards, command: StartCardSetup) -> tuple[CardSetup, str]:
    """The set-up, stored before the provider is asked, and the address of the provider's page.

    Raises:
        Refusal: `cards_unavailable`, `validation_failed` (return_url), `user_not_found`, `too_many_cards`,
            `card_page_unavailable`.
    """
    operator, provider, now = command.operator, cards.get_provider(), rt.clock.now()
    if command.return_url is not None and (
        no := refuse_return_url(command.return_url, operator.settings.payments.return_urls)
    ):
        raise no
    token = new_token()
    async with rt.db.write() as tx:
        await lock_rider(tx, operator.id, command.rider_id)
        saved = await setups.count_cards(tx, operator.id, command.rider_id)
        if saved + await setups.count_open(tx, operator.id, command.rider_id) >= MOST_CARDS:
            raise errors.too_many_cards(MOST_CARDS)
        setup = await setups.insert_setup(
            tx,
            operator_id=operator.id,
            rider_id=command.rider_id,
            provider=provider.name,
            return_token_hash=hash_token(token),
            return_url=command.return_url,
            now=now,
            expires_at=now + LIFE,
            next_at=now + LEFT_TO_BROWSER,
        )
        customer_ref = await setups.find_customer(tx, operator.id, command.rider_id, provider.name)
    # Not `key` of the row: a page that nobody was sent to is never asked for again.
    back = f"{cards.public_url}/cards/return/{token}"
    try:
        started = await provider.start_setup(
            StartSetup(
                merchant=merchant_of(operator),
                key=new_token(),
                rider_id=command.rider_id,
                customer_ref=customer_ref,
                return_url=back,
                cancel_url=back,
                language=command.language,
            )
        )
    except CardsUnclear as error:
        _log.warning("cards.page_unclear", setup=setup.id, reason=error.reason)
        raise errors.card_page_unavailable() from error
    async with rt.db.write() as tx:
        setup = await setups.set_setup_ref(tx, setup, started.setup_ref)
    return setup, started.redirect_url
