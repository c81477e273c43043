"""The gateway process."""

from functools import partial
from typing import Protocol

from isotope.domain.fleet import apply_reports
from isotope.domain.sharing import act_on_zones
from isotope.domain.tenants import Operators
from isotope.domain.zones import Zones
from isotope.gateway.server import Gateway
from isotope.infra.config import Config
from isotope.infra.runtime import Runtime


class Services(Protocol):
    """What the process needs of `wiring.Services`."""

    rt: Runtime
    operators: Operators
    zones: Zones


async def run(config: Config, services: Services) -> None:
    """Serve units on `gateway_host` and `gateway_port` until cancelled, then stop in order."""
    act = partial(act_on_zones, services.rt, services.operators, services.zones)
    gateway = Gateway(services.rt, apply_reports, act, host=config.gateway_host, port=config.gateway_port)
    try:
        await gateway.start()
        await gateway.serve()
    finally:
        await gateway.stop()
