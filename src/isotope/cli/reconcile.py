"""`isotope reconcile`: the ledger beside the card provider."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from isotope.cli._period import DAY_FORMATS, period_of_days
from isotope.infra.config import load_config

if TYPE_CHECKING:
    from isotope.domain.payments import CardDifference, Reconciled
    from isotope.infra.runtime import Runtime

_STOPPED = 130


def command(
    operator: Annotated[str, typer.Option("--operator", help="the operator's short name")],
    first: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMATS, help="first day, as the operator's clocks tell")
    ],
    end: Annotated[datetime, typer.Option("--to", formats=DAY_FORMATS, help="the day after the last one")],
) -> None:
    """Compare the ledger with the card provider's own records, and print every difference.

    missing_here: money moved at the provider that nothing here is about. not_recorded: our call about it is not written
    down yet. amount: both have it, not alike. not_posted: our call is done and the ledger says something else.
    missing_there: our call is done and the provider has nothing of it. open: nobody knows yet; the worker looks after
    it. stray_posting: the ledger moved the provider's money without any call.

    Exit code 1 if there is any difference. It only reads, and can be stopped at any time.

    Example:

        isotope reconcile --operator riga --from 2026-11-01 --to 2026-12-01
    """
    if first >= end:
        raise typer.BadParameter("must be a later day than --from", param_hint="--to")
    from isotope.cli._store import run_use_case

    try:
        counted = run_use_case(lambda rt: _reconcile(rt, operator, first, end))
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(_STOPPED) from None
    for line in _summary(counted):
        typer.echo(line, err=True)
    if counted.differences:
        raise typer.Exit(1)


async def _reconcile(rt: "Runtime", slug: str, first: datetime, end: datetime) -> "Reconciled":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from isotope.adapters.cards import make_card_provider
    from isotope.cli._failures import CommandError
    from isotope.cli._process import with_cards
    from isotope.domain.payments import Cards, CardsUnclear, Reconcile, Reconciled, reconcile
    from isotope.domain.tenants import get_operator_by_slug

    cards = Cards(provider=make_card_provider(with_cards(load_config())))
    async with rt.db.read() as tx:
        operator = await get_operator_by_slug(tx, slug)
    period = period_of_days(first.date(), end.date(), operator.time_zone)
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} movements and calls"), TimeElapsedColumn())
    counted = Reconciled()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looked at", total=None)

        def tell(now: Reconciled) -> None:
            nonlocal counted
            counted = now
            progress.update(task, completed=now.movements + now.calls)

        command = Reconcile(operator=operator, since=period.since, until=period.until)
        try:
            async for difference in reconcile(rt, cards, command, tell):
                typer.echo(_line(difference))
        except CardsUnclear as error:
            raise CommandError(
                f"the card provider does not answer: {error.reason}; nothing is known of the rest"
            ) from error
    return counted


def _line(difference: "CardDifference") -> str:
    """`amount  provider 8.00 EUR  ledger 7.00 EUR  pi_123  card_call:4`."""
    from isotope.kernel.money import Money

    sides = [
        f"{name} {'nothing' if amount is None else Money(amount, difference.currency).text()}"
        for name, amount in (("provider", difference.provider_minor), ("ledger", difference.ledger_minor))
    ]
    return "  ".join([difference.kind, *sides, *(text for text in (difference.ref, difference.ours) if text)])


def _summary(counted: "Reconciled") -> list[str]:
    from isotope.kernel.money import Money

    lines = [f"{counted.movements} movements at the provider, {counted.calls} calls here"]
    for currency in sorted(counted.provider_minor.keys() | counted.ledger_minor.keys()):
        there = Money(counted.provider_minor.get(currency, 0), currency).text()
        here = Money(counted.ledger_minor.get(currency, 0), currency).text()
        lines.append(f"net at the provider {there} (with disputes), net of calls here {here}")
    lines.append(f"{counted.differences} differences" if counted.differences else "no differences")
    return lines
