"""User-facing texts, one catalogue file per language."""
