"""The caller's address, behind proxies that are trusted."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

MOST_HOPS: Final = 20

Networks = tuple[IPv4Network | IPv6Network, ...]


def trusted_networks(setting: str) -> Networks:
    """Read `10.0.0.0/8, 192.0.2.1`.

    Raises:
        ValueError: naming the network that is none.
    """
    return tuple(ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip())


def address_of(scope: Mapping[str, Any], headers: Mapping[str, str], trusted: Networks) -> str | None:
    """The nearest address that is not a trusted proxy's; a header of a stranger is not believed."""
    client = scope.get("client")
    address = None if client is None else _clean(client[0])
    if address is None or not trusted or not _is_trusted(address, trusted):
        return address
    hops = headers.get("x-forwarded-for", "").split(",")
    for hop in reversed(hops[-MOST_HOPS:]):
        claimed = _clean(hop)
        if claimed is None:
            return address
        address = claimed
        if not _is_trusted(claimed, trusted):
            return address
    return address


@lru_cache(maxsize=4_096)
def _clean(text: str) -> str | None:
    try:
        return str(ip_address(text.strip().strip("[]")))
    except ValueError:
        return None


def _is_trusted(address: str, trusted: Networks) -> bool:
    parsed = ip_address(address)
    return any(parsed in network for network in trusted)
