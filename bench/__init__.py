"""Measured work, each figure beside its floor in the same run: `python -m bench` (see docs/operate/performance.md)."""
