"""The service account of a Firebase project: who we are to Google."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from isotope.infra.config import ConfigError

_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_ALGORITHM: Final = "RS256"
# The longest that Google takes.
_LIFE_S: Final = 3_600


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The file that the Firebase console gives out, as far as it is needed; the rest of it is passed over."""

    type: Literal["service_account"]
    project_id: str
    private_key_id: str = ""
    private_key: str
    client_email: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

    def assertion(self, now: datetime) -> str:
        """Signed: that we are this account, and want to send messages. To be exchanged for an access token (RFC 7523)."""
        at = int(now.timestamp())
        return jwt.encode(
            {"alg": _ALGORITHM, "kid": self.private_key_id},
            {"iss": self.client_email, "scope": _SCOPE, "aud": self.token_uri, "iat": at, "exp": at + _LIFE_S},
            RSAKey.import_key(self.private_key),
            algorithms=[_ALGORITHM],
        )


def read_account(path: str) -> ServiceAccount:
    """The account of the file.

    Raises:
        ConfigError: there is no such file, or no account with a usable key in it. Says nothing of what is in it.
    """
    wrong = f"ISOTOPE_FCM_ACCOUNT: {path!r}"
    try:
        account = msgspec.json.decode(Path(path).read_bytes(), type=ServiceAccount)
    except OSError as error:
        raise ConfigError(f"{wrong} cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{wrong} is not the JSON file of a service account: {error}") from error
    try:
        RSAKey.import_key(account.private_key)
    except (JoseError, ValueError) as error:
        raise ConfigError(f"{wrong} has no RSA key in private_key") from error
    if not account.token_uri.startswith(("https://", "http://")):
        raise ConfigError(f"{wrong} has no address in token_uri")
    return account
