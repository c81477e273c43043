"""What this room tells other processes."""

from typing import Final

PACKAGES_CHANGED: Final = "packages_changed"
"""NOTIFY channel: the operator's id; a package was written."""
