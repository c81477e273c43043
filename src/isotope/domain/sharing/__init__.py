"""Room: sharing."""
