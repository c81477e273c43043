"""Work for later: a job is inserted in the transaction of its cause and commits with it or not at all.

The worker process runs them (procrastinate). Every job is a use case that is safe to run twice.
"""

from datetime import datetime
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from isotope.infra.db import Tx

QUEUE: Final = "isotope"


class Jobs:
    """Inserts jobs by name; knows no task's code, so that every process can."""

    def __init__(self) -> None:
        # The connector is never opened: deferring uses the use case's own connection.
        self._app = App(connector=PsycopgConnector())

    async def defer(
        self, tx: Tx, name: str, *, at: datetime | None = None, lock: str | None = None, **args: Any
    ) -> None:
        """Insert the job `name` with JSON arguments, to run at `at` (now if None).

        Two jobs with the same `lock` never run at once.
        """
        deferrer = self._app.configure_task(name, queue=QUEUE, schedule_at=at, lock=lock, connection=tx.connection)
        try:
            await deferrer.defer_async(**args)
        except ConnectorException as error:
            # The queue hides what the database said; `Database` tells a lost connection from a bug by it.
            raise error.__cause__ or error from error
