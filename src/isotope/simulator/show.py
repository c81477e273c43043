"""What the simulator shows in a terminal: a progress bar, a line of a living city, a summary."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from isotope.simulator.api import Api
from isotope.simulator.crowd import Tally
from isotope.simulator.fleet import SimulatedFleet
from isotope.simulator.replay import Summary


def progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("trips"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def city_line(tally: Tally, api: Api | None, fleet: SimulatedFleet) -> str:
    """One line about a living city."""
    refused = sum(api.refusals.values()) if api is not None else 0
    return (
        f"{fleet.connected}/{len(fleet)} vehicles in contact, {tally.rides} rides, {tally.paid} paid, "
        f"{tally.by_card} of it by card, {tally.paying['declined']} times no card paid, "
        f"{tally.rentals['picked_up']} cars rented, {tally.taxi['driven']} taxi trips, "
        f"{refused} refusals, {api.calls if api is not None else 0} calls"
    )


def summary_table(summary: Summary, ledger: list[str] | None) -> Table:
    """The replay in numbers. `ledger`: what is wrong in the store's books; None if they could not be seen from here."""
    table = Table(title="Replay", show_header=False)
    table.add_row("trips in the file", f"{summary.trips}")
    table.add_row("rides", f"{summary.rides}")
    table.add_row("time", f"{summary.seconds:.0f} s")
    table.add_row("distance in the file", f"{summary.recorded_m / 1000:.1f} km")
    table.add_row("length of the lines", f"{summary.line_m / 1000:.1f} km")
    table.add_row("ridden", f"{summary.ridden_m / 1000:.1f} km")
    table.add_row("of it to a legal place to park", f"{summary.detour_m / 1000:.1f} km, in {summary.detours} rides")
    table.add_row("paid in", f"{summary.paid_in}")
    table.add_row("paid for rides", f"{summary.paid}")
    table.add_row("left in the wallets", f"{summary.left}")
    table.add_row("missing", f"{summary.money_gap}")
    table.add_row("differences in the ledger", "not seen from here" if ledger is None else f"{len(ledger)}")
    table.add_row("rides left open", f"{len(summary.left_open)}")
    table.add_row("vehicles not free", f"{len(summary.not_free)}")
    for code, count in summary.refusals.most_common():
        table.add_row(f"refused: {code}", f"{count}")
    return table
