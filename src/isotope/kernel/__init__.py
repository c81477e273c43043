"""Words that everybody speaks. Pure: no I/O, no clock, no domain."""
