"""What every use case is given: the store, the clock, the way to tell and to postpone."""

from dataclasses import dataclass

from isotope.infra.clock import Clock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs


@dataclass(frozen=True, slots=True)
class Runtime:
    """The plumbing of one process. It knows no domain."""

    db: Database
    clock: Clock
    hub: Hub
    jobs: Jobs
