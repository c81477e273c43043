"""Section Sharing. Importing it declares its operations."""

from isotope.api.sharing import commands, damage, history, pricing, reservations, rides, vehicles, zones

__all__ = ["commands", "damage", "history", "pricing", "reservations", "rides", "vehicles", "zones"]
