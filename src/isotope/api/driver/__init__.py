"""Section Driver: what an app for drivers calls. Importing it declares its operations."""

from isotope.api.driver import account, documents, earnings, history, presence, trips, work

__all__ = ["account", "documents", "earnings", "history", "presence", "trips", "work"]
