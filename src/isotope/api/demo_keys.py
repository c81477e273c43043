"""The demo's keys are printed in the documentation: nothing real may answer to them."""

from typing import Final

from isotope.domain.tenants import list_operators_with_keys
from isotope.infra.config import Config, ConfigError
from isotope.infra.runtime import Runtime

PUBLIC_KEY: Final = "demo-public"
SECRET_KEY: Final = "demo-secret"  # noqa: S105 - as public as the line above
STAFF_EMAIL: Final = "admin@demo.test"
STAFF_PASSWORD: Final = "demo-password"  # noqa: S105


async def refuse_demo_keys(config: Config, rt: Runtime) -> None:
    """Called at the start of an API process.

    Raises:
        ConfigError: in production, when an operator's public or secret key is the demo's.
    """
    if config.mode != "production":
        return
    async with rt.db.read() as tx:
        slugs = await list_operators_with_keys(tx, (PUBLIC_KEY, SECRET_KEY), rt.clock.now())
    if slugs:
        raise ConfigError(
            f"ISOTOPE_MODE=production, but the operator {', '.join(slugs)} answers to a key of the demo, which anyone can "
            "read in the documentation. Replace it with `isotope keys rotate`, or start with ISOTOPE_MODE=demo"
        )
