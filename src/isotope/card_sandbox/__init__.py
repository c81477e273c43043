"""A card provider to try things with: its own process, its own state, its own pages, no money.

It is the other side of `adapters.cards.SandboxCards` and shares no code with it, so that the tests have a witness that
does not know what Isotope believes. What it knows stands in an SQLite file and survives being killed.
"""

from isotope.card_sandbox.app import Sandbox, SandboxSettings
from isotope.card_sandbox.cards import CARDS, SandboxCard
from isotope.card_sandbox.faults import Fault
from isotope.card_sandbox.serve import serve

__all__ = ["CARDS", "Fault", "Sandbox", "SandboxCard", "SandboxSettings", "serve"]
