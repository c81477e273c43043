"""Runs the processes of one machine: starts them in order, restarts what dies, stops all in reverse order."""

from isotope.supervisor.children import Child, ChildSpec, StartFailedError
from isotope.supervisor.ports import PortTakenError, free_port, listen
from isotope.supervisor.run import Supervisor

__all__ = ["Child", "ChildSpec", "PortTakenError", "StartFailedError", "Supervisor", "free_port", "listen"]
