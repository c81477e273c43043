"""`isotope gateway`."""

from isotope.cli._process import prepare, run_until_stopped


def command() -> None:
    """Run one device gateway on ISOTOPE_GATEWAY_HOST and ISOTOPE_GATEWAY_PORT.

    Example:

        ISOTOPE_DATABASE_URL=postgresql://isotope@db/isotope ISOTOPE_GATEWAY_PORT=7000 isotope gateway
    """
    config = prepare("gateway")
    from isotope.gateway.main import run
    from isotope.wiring import open_services

    async def main() -> None:
        async with open_services(config, live_map=False) as services:
            await run(config, services)

    run_until_stopped(main())
