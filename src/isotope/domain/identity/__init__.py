"""Room: identity."""
