"""The sender of notifications that the settings name."""

from isotope.adapters.push.outbox import OutboxPush
from isotope.domain.identity.ports import PushSender
from isotope.infra.config import Config
from isotope.infra.runtime import Runtime


def make_push(config: Config, rt: Runtime) -> PushSender:
    """Raises `ConfigError`: the account's file is not usable."""
    if config.push == "outbox":
        return OutboxPush(rt)
    # Signing is heavy to import, and whoever has the stand-in does not need it.
    from isotope.adapters.push.account import read_account  # noqa: PLC0415
    from isotope.adapters.push.fcm import FcmPush  # noqa: PLC0415

    return FcmPush(account=read_account(config.fcm_account), clock=rt.clock, base_url=config.fcm_url)
