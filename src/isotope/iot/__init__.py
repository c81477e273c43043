"""Bytes to meaning and back: one pure codec per device family."""
