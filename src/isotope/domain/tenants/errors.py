"""The refusals of this room; their texts are in `texts/en.toml`."""

from isotope.kernel.errors import Kind, Refusal


def operator_not_found(slug: str) -> Refusal:
    return Refusal(Kind.NOT_FOUND, "operator_not_found", params={"slug": slug})


def operator_exists(slug: str) -> Refusal:
    return Refusal(Kind.CONFLICT, "operator_exists", params={"slug": slug})


def key_taken() -> Refusal:
    """Keys are unique in the installation: a public key alone says whose it is."""
    return Refusal(Kind.CONFLICT, "key_taken")


def staff_exists(email: str) -> Refusal:
    """Only the command line answers this, to the installation's owner."""
    return Refusal(Kind.CONFLICT, "staff_exists", params={"email": email})


def wrong_credentials() -> Refusal:
    """The same for a wrong password and for an address that no staff has."""
    return Refusal(Kind.UNAUTHORIZED, "wrong_credentials")


def login_locked(retry_after_s: int) -> Refusal:
    """Too many wrong passwords for this address, whether staff has it or not."""
    minutes = -(-retry_after_s // 60)
    return Refusal(Kind.TOO_MANY, "login_locked", params={"minutes": minutes}, retry_after_s=retry_after_s)


def logins_busy() -> Refusal:
    """So many logins at once that waiting would take longer than coming again."""
    return Refusal(Kind.UNAVAILABLE, "logins_busy", retry_after_s=2)
