"""User-facing texts, one catalogue file per language; read by `kernel.texts`."""
