"""Every operation of the API is declared once, here is how.

Routes, OpenAPI, the documentation page, the walk over tenants and the bad-input suite are all made of the registry, so
nothing can be served and not documented or tested.

    @operation(
        id="ring_vehicle", tag="Sharing", title="Ring vehicle",
        method="POST", path="/openapi/v1.0/sharing/ring-vehicle",
        auth=Auth.PUBLIC_AND_CALLER, request=RingVehicleRequest, response=RingVehicleResponse,
        refusals=((Kind.NOT_FOUND, "vehicle_not_found"), (Kind.CONFLICT, "device_offline")),
    )
    async def ring_vehicle(call: Call[RingVehicleRequest]) -> RingVehicleResponse:
        \"\"\"First line and body become the description in the documentation.\"\"\"
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import getdoc
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from isotope.api.caller import Anonymous, Caller, DriverCaller, RiderCaller, SecretCaller, StaffCaller
from isotope.api.context import Services
from isotope.api.decode import Decoder
from isotope.domain.drivers.model import Driver
from isotope.domain.identity.model import Rider
from isotope.domain.tenants import Right
from isotope.domain.tenants.model import Operator, Staff
from isotope.kernel.actor import SECRET_KEY, Actor, driver_actor, rider_actor, staff_actor
from isotope.kernel.errors import Kind
from isotope.kernel.ids import RiderId

Req = TypeVar("Req", bound=msgspec.Struct)
Method = Literal["GET", "POST", "PUT", "DELETE"]
Content = Literal["json", "multipart"]
Handler = Callable[[Any], Awaitable[Any]]
H = TypeVar("H", bound=Handler)


class Auth(StrEnum):
    """Who may call, in the order in which it is checked: the operator's key first, then the caller."""

    # Nobody need show anything: the dashboard login.
    NONE = "NONE"
    # The operator's public key. An Authorization header is read if it is there and usable, and ignored if not:
    # an app with a token of yesterday must still be able to log in.
    PUBLIC = "PUBLIC"
    # The public key, and a rider's token or the secret key.
    PUBLIC_AND_CALLER = "PUBLIC_AND_CALLER"
    # As PUBLIC_AND_CALLER, unless the operator's setting `public_vehicles` lets the public key alone do.
    PUBLIC_IF_OPEN = "PUBLIC_IF_OPEN"
    # The public key and the secret key; riders are refused.
    SECRET = "SECRET"  # noqa: S105 - a word, not a secret
    # A dashboard token, which alone says whose it is.
    STAFF = "STAFF"
    # The public key, and a driver's token. Nobody speaks for a driver, not even the secret key.
    DRIVER = "DRIVER"


@dataclass(frozen=True, slots=True)
class Call(Generic[Req]):
    """One call, checked: who, for whom, with what.

    Attributes:
        address: the caller's IP address behind trusted proxies; None if unknown.
        languages: what the caller reads, best first.
        idempotency_key: the `Idempotency-Key` header, if sent and taken. It is the caller's own: another one's same
            key is another key, so a cause that is made of it names the caller (`actor`) too.
        if_none_match: the `If-None-Match` header, for operations that answer with a tag; empty if not sent.
        accept_encoding: the `Accept-Encoding` header; empty if not sent.
        accept: the `Accept` header; empty if not sent.
    """

    services: Services
    caller: Caller
    body: Req
    address: str | None
    request_id: str
    languages: tuple[str, ...]
    idempotency_key: str | None
    tenant: Operator | None
    if_none_match: str = ""
    accept_encoding: str = ""
    accept: str = ""

    @property
    def operator(self) -> Operator:
        """Whose system is called. Not to be asked for where `Auth.NONE` stands."""
        if self.tenant is None:
            raise LookupError("this operation has no operator")
        return self.tenant

    def rider(self) -> Rider:
        """Who is meant: the rider whose token it is, or the one that the secret key names."""
        match self.caller:
            case RiderCaller(rider=rider) | SecretCaller(rider=Rider() as rider):
                return rider
            case _:
                raise LookupError("this operation is for no rider")

    def rider_id(self) -> RiderId:
        """The number of `rider()`."""
        return self.rider().id

    def find_rider_id(self) -> RiderId | None:
        """As `rider_id`, None where nobody is meant."""
        match self.caller:
            case RiderCaller(rider=rider) | SecretCaller(rider=Rider() as rider):
                return rider.id
            case _:
                return None

    def staff(self) -> Staff:
        """The member of staff who calls an `Auth.STAFF` operation."""
        if not isinstance(self.caller, StaffCaller):
            raise LookupError("this operation is not called by staff")  # noqa: TRY004 - a bug, not a type
        return self.caller.staff

    def driver(self) -> Driver:
        """Who calls an `Auth.DRIVER` operation."""
        if not isinstance(self.caller, DriverCaller):
            raise LookupError("this operation is not called by drivers")  # noqa: TRY004 - a bug, not a type
        return self.caller.driver

    @property
    def is_secret(self) -> bool:
        """Whether the operator's own systems call."""
        return isinstance(self.caller, SecretCaller)

    @property
    def actor(self) -> Actor:
        """For ledgers and logs."""
        match self.caller:
            case RiderCaller(rider=rider):
                return rider_actor(rider.id)
            case StaffCaller(staff=staff):
                return staff_actor(staff.id)
            case DriverCaller(driver=driver):
                return driver_actor(driver.id)
            case SecretCaller():
                return SECRET_KEY
            case Anonymous():
                return Actor("anonymous")

    def text(self, code: str, /, **params: str | int) -> str:
        """A text of the catalogue in the caller's language and the operator's wording."""
        overrides = {} if self.tenant is None else self.tenant.settings.texts
        return self.services.texts.render(code, params, languages=self.languages, overrides=overrides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the contract, as declared."""

    id: str
    tag: str
    title: str
    method: Method
    path: str
    auth: Auth
    request: type[Any]
    response: Any
    content: Content
    description: str
    refusals: Sequence[tuple[Kind, str]]
    request_example: Mapping[str, Any]
    response_example: Any
    handler: Handler
    decoder: Decoder[Any] = field(repr=False)
    # Takes an Idempotency-Key.
    idempotent: bool
    # Answers with an ETag, and 304 to who has it.
    tagged: bool
    # Of staff: what their role must allow, and whether those of a subaccount may call it, too.
    right: Right | None
    subaccounts: bool
    # What it answers with when `export` is asked for; None: it has no such form.
    export: Any
    # What else it answers with when it is asked for, such as a light form for maps.
    forms: tuple[Any, ...]
    # Names of the fields that work with the secret key only, and of those that must be sent.
    secret_only: tuple[str, ...]
    required_fields: tuple[str, ...]

    @property
    def other_forms(self) -> tuple[Any, ...]:
        """What it answers with beside `response`."""
        return self.forms if self.export is None else (*self.forms, self.export)

    @property
    def takes_user_id(self) -> bool:
        """Whether the operation is for a rider, whom the secret key must name."""
        return "user_id" in self.secret_only


_REGISTRY: Final[dict[str, Operation]] = {}


def operation(
    *,
    id: str,
    tag: str,
    title: str,
    method: Method,
    path: str,
    auth: Auth,
    request: type[msgspec.Struct],
    response: Any,
    content: Content = "json",
    refusals: Sequence[tuple[Kind, str]] = (),
    request_example: Mapping[str, Any] | None = None,
    response_example: Any = None,
    idempotent: bool = False,
    tagged: bool = False,
    right: Right | None = None,
    subaccounts: bool = False,
    export: Any = None,
    forms: Sequence[Any] = (),
) -> Callable[[H], H]:
    """Declare the handler of an operation.

    Args:
        id: as `operations.json` of the contract names it.
        tag: the section.
        title: a few words.
        method: of HTTP.
        path: without parameters; the contract has none.
        auth: who may call.
        request: the Struct that the body is decoded into.
        content: what kind of body is taken.
        response: a Struct, `list[Struct]` for a bare array, `Pdf` for a file, or `EventStream[Struct]`. The
            handler may put `msgspec.Raw` (bytes that are encoded already) wherever the type says something else.
        refusals: the operation's own; those of keys, bodies and the store are documented for every operation.
        request_example: a body that works against the demo operator.
        response_example: as JSON-able data or Structs; shown in the documentation.
        idempotent: whether it takes an `Idempotency-Key` (see `api/idempotency.py`): whatever creates, starts, ends,
            pauses or moves money does, unless it answers with a token.
        tagged: whether its answers carry an `ETag` (see `api/tagged.py`): the handler returns `Tagged`.
        right: of staff, what their role must allow; every `Auth.STAFF` operation says it.
        subaccounts: of staff, whether those of a subaccount may call it: the handler then shows and changes nothing
            but what belongs to it (`call.staff().subaccount_id`). False: they are refused.
        export: the Struct of the answer's export form, a page of flat rows named `data` (see `api/exports.py`).
        forms: Structs of other forms of the answer, such as a light one for maps.

    Raises:
        ValueError: the id or the route is taken, or `idempotent` stands where nothing is done or nobody is known, or
            staff may call it and no right is named.
    """
    if idempotent and (method == "GET" or auth is Auth.NONE):
        raise ValueError(f"{id}: an Idempotency-Key belongs to a caller of an operator who changes something")

    if (right is not None) != (auth is Auth.STAFF) or (subaccounts and auth is not Auth.STAFF):
        raise ValueError(f"{id}: the roles of staff are about operations of staff")

    def declare(handler: H) -> H:
        taken = [known for known in _REGISTRY.values() if (known.method, known.path) == (method, path)]
        if id in _REGISTRY or taken:
            raise ValueError(f"{id}: {method} {path} is declared twice")
        _REGISTRY[id] = Operation(
            id=id,
            tag=tag,
            title=title,
            method=method,
            path=path,
            auth=auth,
            request=request,
            response=response,
            content=content,
            description=getdoc(handler) or "",
            refusals=tuple(refusals),
            request_example=request_example or {},
            response_example=response_example,
            handler=handler,
            decoder=Decoder(request),
            idempotent=idempotent,
            tagged=tagged,
            right=right,
            subaccounts=subaccounts,
            export=export,
            forms=tuple(forms),
            secret_only=tuple(known.encode_name for known in _fields(request) if _is_secret_only(known)),
            required_fields=tuple(known.encode_name for known in _fields(request) if known.required),
        )
        return handler

    return declare


def declared() -> Sequence[Operation]:
    """Every operation that has been imported, in the order of declaration."""
    return tuple(_REGISTRY.values())


def _fields(request: type[msgspec.Struct]) -> tuple[msgspec.inspect.Field, ...]:
    info = msgspec.inspect.type_info(request)
    if not isinstance(info, msgspec.inspect.StructType):
        raise TypeError(f"{request} is no Struct")
    return info.fields


def _is_secret_only(known: msgspec.inspect.Field) -> bool:
    # Annotations may be nested: a mark is found at any depth.
    info = known.type
    while isinstance(info, msgspec.inspect.Metadata):
        if (info.extra or {}).get("secret_only"):
            return True
        info = info.type
    return False
