"""Section Sharing. Importing it declares its twelve operations."""

from isotope.api.sharing import commands, pricing, rides, vehicles, zones

__all__ = ["commands", "pricing", "rides", "vehicles", "zones"]
