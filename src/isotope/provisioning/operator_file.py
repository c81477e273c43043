"""`operator.yaml`: who the operator is, its keys and its staff."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.domain.tenants.model import Role, Settings
from isotope.provisioning.limits import MAX_STAFF

EnvName = Annotated[
    str, Meta(pattern="^[A-Z][A-Z0-9_]{0,99}$", extra={"accepted": "the name of an environment variable, A-Z 0-9 _"})
]
# Weaker than what `isotope keys rotate` makes, because a folder may be a demo; production refuses the demo's keys.
Key = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9._~-]{8,128}$",
        extra={"secret": True, "accepted": "8 to 128 of A-Z a-z 0-9 . _ ~ -"},
    ),
]
Password = Annotated[
    str, Meta(min_length=10, max_length=256, extra={"secret": True, "accepted": "10 to 256 characters"})
]


class KeysFile(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's keys, each as it is or as the name of an environment variable; only hashes are stored.

    A key that is left out is made when the operator is created (and shown once), and left alone later.
    """

    public: Annotated[Key | None, Meta(description="the App-Public-Key of the apps")] = None
    public_env: Annotated[EnvName | None, Meta(description="the variable that holds it")] = None
    secret: Annotated[Key | None, Meta(description="the secret key of the operator's own servers")] = None
    secret_env: Annotated[EnvName | None, Meta(description="the variable that holds it")] = None
    old_valid_hours: Annotated[
        int, Meta(ge=0, le=720, description="how long the key before goes on working when a key here has changed")
    ] = 24

    def __post_init__(self) -> None:
        for name in ("public", "secret"):
            if getattr(self, name) is not None and getattr(self, f"{name}_env") is not None:
                raise ValueError(f"{name} and {name}_env exclude each other")

    def __repr__(self) -> str:
        """Without the keys: it may stand in a trace."""
        return "KeysFile(...)"


class StaffFile(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff. Staff that the file does not name are left alone."""

    email: Annotated[
        str,
        Meta(
            pattern=r"^[^\s@]+@[^\s@]+\.[^\s@]+$",
            max_length=254,
            description="what they log in with; one account an address in the whole installation",
            extra={"accepted": "an e-mail address"},
        ),
    ]
    name: Annotated[str, Meta(max_length=120)] = ""
    role: Annotated[Role, Meta(description="what they may do")]
    password: Annotated[
        Password | None,
        Meta(description="of a new account; an account that exists keeps its own, which is its person's"),
    ] = None
    password_env: Annotated[EnvName | None, Meta(description="the variable that holds the password")] = None

    def __post_init__(self) -> None:
        if self.password is not None and self.password_env is not None:
            raise ValueError("password and password_env exclude each other")

    def __repr__(self) -> str:
        """Without the password: it may stand in a trace."""
        return f"StaffFile({self.email}, {self.role})"


class OperatorFile(msgspec.Struct, frozen=True, kw_only=True):
    """One operator. What is left out of `settings` has its default."""

    slug: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9-]{1,39}$",
            description="the operator's short name: the folder is applied to the operator of this name",
            extra={"accepted": "2 to 40 of a-z, 0-9 and -, not beginning with -"},
        ),
    ]
    name: Annotated[str, Meta(min_length=1, max_length=120, description="what riders read")]
    currency: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{3}$",
            description="ISO 4217; cannot change once there is money in it",
            extra={"accepted": "an ISO 4217 code such as EUR"},
        ),
    ]
    time_zone: Annotated[str, Meta(max_length=64, description="IANA name; zone time windows are in this time")]
    languages: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z]{2,3}$", extra={"accepted": "a code such as en"})], ...],
        Meta(min_length=1, max_length=50, description="ISO 639 codes, the first one is the default"),
    ]
    keys: KeysFile = KeysFile()
    staff: Annotated[tuple[StaffFile, ...], Meta(max_length=MAX_STAFF)] = ()
    settings: Annotated[Settings, Meta(description="what the operator decides; see below")] = Settings()
