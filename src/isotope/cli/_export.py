"""Carries out `isotope ledger export`."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from isotope.cli._journal import JournalFormat, Write, opened, totals_file, totals_json, writer
from isotope.cli._period import period_of_days
from isotope.domain.tenants import get_operator_by_slug
from isotope.domain.wallet import ExportJournal, JournalLine, JournalTotals, export_journal
from isotope.infra.runtime import Runtime

_SHOWN_EVERY = 5_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for. Days are the operator's, from `first` up to and without `end`."""

    slug: str
    first: date
    end: date
    form: JournalFormat
    output: Path | None


async def export(rt: Runtime, what: Export) -> JournalTotals:
    """Write the journal and, beside a file or as the last of JSON lines, its totals."""
    async with rt.db.read() as tx:
        operator = await get_operator_by_slug(tx, what.slug)
    period = period_of_days(what.first, what.end, operator.time_zone)
    about = {
        "operator": operator.slug,
        "from": what.first.isoformat(),
        "to": what.end.isoformat(),
        "time_zone": operator.time_zone,
    }
    command = ExportJournal(operator=operator, since=period.since, until=period.until)
    with opened(what.output) as out, _progress() as progress:
        totals = await export_journal(rt, command, _counted(writer(what.form, out), progress))
        if what.form is JournalFormat.JSONL:
            out.write(totals_json(about, totals))
    if what.output is not None:
        totals_file(what.output).write_bytes(totals_json(about, totals))
    return totals


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} lines"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _counted(write: Write, progress: Progress) -> Write:
    task = progress.add_task("lines", total=None)
    count = 0

    def counted(line: JournalLine) -> None:
        nonlocal count
        write(line)
        count += 1
        if count % _SHOWN_EVERY == 0:
            progress.update(task, completed=count)

    return counted
