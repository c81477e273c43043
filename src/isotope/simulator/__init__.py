"""A simulated city that speaks to the system as the real one would."""
