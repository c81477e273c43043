"""Room: wallet."""
