"""What stops the simulator, for the person who started it."""


class SimulatorError(Exception):
    """It cannot go on; the message says why and what would be needed."""


class FleetFileError(SimulatorError):
    """The file of vehicles cannot be used; says which line and why."""


class TripFileError(SimulatorError):
    """The file cannot be replayed; says which line and why."""


class TripFailedError(SimulatorError):
    """A trip could not be replayed; says at which step and why."""
