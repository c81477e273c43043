"""`isotope worker`."""

from isotope.cli._process import prepare, run_until_stopped


def command() -> None:
    """Run one worker: the jobs and the periodic tasks of `isotope/worker/tasks.py`.

    Example:

        ISOTOPE_DATABASE_URL=postgresql://isotope@db/isotope isotope worker
    """
    config = prepare("worker")
    from isotope.wiring import open_services
    from isotope.worker.main import run

    async def main() -> None:
        async with open_services(config, live_map=False) as services:
            await run(config, services)

    run_until_stopped(main())
