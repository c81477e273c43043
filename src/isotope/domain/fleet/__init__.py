"""Room: fleet."""
