"""`isotope worker`."""

import contextlib

from isotope.cli._process import prepare, run_until_stopped


def command() -> None:
    """Run one worker: the jobs and the periodic tasks of `isotope/worker/tasks.py`.

    Example:

        ISOTOPE_DATABASE_URL=postgresql://isotope@db/isotope isotope worker
    """
    config = prepare("worker")
    from pathlib import Path

    from isotope.adapters.maps.engine import road_engine
    from isotope.wiring import open_services
    from isotope.worker.main import run

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            if not config.roads_url:
                await stack.enter_async_context(road_engine(Path(config.data)))
            services = await stack.enter_async_context(open_services(config, live_map=False))
            await run(config, services)

    run_until_stopped(main())
