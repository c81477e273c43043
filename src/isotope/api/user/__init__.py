"""Section User. Importing it declares its operations."""

from isotope.api.user import account, cards, history, receipts, top_up

__all__ = ["account", "cards", "history", "receipts", "top_up"]
