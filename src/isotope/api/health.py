"""Whether this process can serve."""

from functools import cache

from isotope.api.context import Services
from isotope.infra.migrate import load_migrations
from isotope.kernel.errors import Refusal


async def unready_reasons(services: Services) -> list[str]:
    """Why this process should get no traffic now, in words for operators; empty if it should."""
    reasons: list[str] = []
    try:
        async with services.rt.db.read() as tx:
            applied = {name for (name,) in await tx.tuples("select name from schema_migration")}
    except Refusal:
        reasons.append("the store does not answer")
    else:
        missing = sorted(_expected() - applied)
        if missing:
            reasons.append("migrations are missing: " + ", ".join(missing))
    if not services.rt.hub.is_listening:
        reasons.append("changes in the store are not heard")
    if not services.live_map.is_loaded:
        reasons.append("the live map is not loaded")
    return reasons


@cache
def _expected() -> frozenset[str]:
    return frozenset(migration.name for migration in load_migrations())
