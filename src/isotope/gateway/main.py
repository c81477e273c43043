"""The gateway process."""

from typing import Protocol

from isotope.domain.fleet import apply_reports
from isotope.gateway.server import Gateway
from isotope.infra.config import Config
from isotope.infra.runtime import Runtime


class HasRuntime(Protocol):
    """What the process needs of `wiring.Services`."""

    rt: Runtime


async def run(config: Config, services: HasRuntime) -> None:
    """Serve units on `gateway_host` and `gateway_port` until cancelled, then stop in order."""
    gateway = Gateway(services.rt, apply_reports, host=config.gateway_host, port=config.gateway_port)
    try:
        await gateway.start()
        await gateway.serve()
    finally:
        await gateway.stop()
