"""The only way out to the network.

`guard()` refuses while a database transaction is open, so that no row lock ever waits for
somebody else's server. Adapters call it before every request.
"""

from isotope.infra.db import transaction_is_open


class NetworkInTransactionError(RuntimeError):
    """A bug: somebody calls the outside world while holding locks."""


def guard() -> None:
    """Raise if this task is inside a transaction."""
    if transaction_is_open():
        raise NetworkInTransactionError("no network call inside a transaction")
