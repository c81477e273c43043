"""Find out what became of a rider on the provider's page, and save the card."""

import structlog

from isotope.domain.identity import lock_rider
from isotope.domain.payments import choices, setups
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import CardSetup, SetupStatus
from isotope.domain.payments.ports import CardsUnclear, SetupFound
from isotope.domain.payments.usecases.plan_debt_collection import hurry_debt_collection
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token
from isotope.kernel.errors import Kind, Refusal

_log = structlog.get_logger(__name__)


async def return_from_card_page(rt: Runtime, cards: Cards, operators: Operators, token: str) -> CardSetup | None:
    """The set-up of a browser that comes back, as it is now; None if nobody was given this token.

    It stays PENDING when the rider turned back, and when the provider does not answer: the worker asks again.
    """
    async with rt.db.glance() as tx:
        setup = await setups.find_setup_by_token(tx, hash_token(token))
    if setup is None:
        return None
    try:
        return await finish_card_setup(rt, cards, await operators.get(setup.operator_id), setup)
    except CardsUnclear as error:
        _log.warning("cards.setup_unclear", setup=setup.id, reason=error.reason)
        return setup


async def finish_card_setup(rt: Runtime, cards: Cards, operator: Operator, setup: CardSetup) -> CardSetup:
    """Ask the provider and write down what it says. Safe to repeat, also at the same time.

    Raises:
        CardsUnclear: it does not say.
    """
    if setup.status is not SetupStatus.PENDING or setup.setup_ref is None or cards.provider is None:
        return setup
    if setup.provider != cards.provider.name:
        return setup
    found = await cards.provider.find_setup(merchant_of(operator), setup.setup_ref)
    if found.status == "PENDING":
        return setup
    try:
        return await _record(rt, operator, setup, found)
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
    # The account was deleted while its holder was at the provider: the card goes first, for this comes again until it is.
    if found.card is not None:
        await cards.provider.forget_card(merchant_of(operator), found.card.customer_ref, found.card.card_ref)
    async with rt.db.write() as tx:
        return await setups.end_setup(tx, setup, SetupStatus.FAILED)


async def _record(rt: Runtime, operator: Operator, setup: CardSetup, found: SetupFound) -> CardSetup:
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await lock_rider(tx, operator.id, setup.rider_id)
        stored = await setups.lock_setup(tx, operator.id, setup.id)
        if stored.status is not SetupStatus.PENDING:
            return stored
        if found.card is None:
            return await setups.end_setup(tx, stored, SetupStatus.FAILED)
        card = await setups.save_card(tx, stored, found.card, now)
        if card is None:
            _log.error("cards.setup_of_another", setup=setup.id)
            return await setups.end_setup(tx, stored, SetupStatus.FAILED)
        if await setups.count_cards(tx, operator.id, setup.rider_id) == 1:
            await choices.choose_first_card(tx, card)
        await hurry_debt_collection(tx, operator, setup.rider_id, now)
        _log.info("cards.saved", setup=setup.id, operator_id=operator.id)
        return await setups.end_setup(tx, stored, SetupStatus.DONE, card.id)
