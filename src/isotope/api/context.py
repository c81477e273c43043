"""What the HTTP layer is given by `wiring`: one object, made once for the process."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from isotope.api.streams import Streams
from isotope.domain.benefits import Packages
from isotope.domain.evidence import Blobs
from isotope.domain.fleet import LiveMap
from isotope.domain.identity.ports import DeletionHold, PushSender, SmsSender
from isotope.domain.maps import Maps
from isotope.domain.payments import NO_CARDS, CardHold, Cards
from isotope.domain.tenants import Operators
from isotope.domain.zones import Zones
from isotope.infra.config import Config
from isotope.infra.runtime import Runtime
from isotope.kernel.texts import Texts


@dataclass(slots=True)
class Services:
    """Everything a handler may reach.

    Attributes:
        holds: what may stand against deleting a rider (a running ride, an open debt).
        card_holds: what may stand against removing a card (a running ride).
        texts: the catalogue of what people read.
        streams: the answers that go on; they end when the process stops.
    """

    config: Config
    rt: Runtime
    operators: Operators
    zones: Zones
    live_map: LiveMap
    packages: Packages
    sms: SmsSender
    push: PushSender
    blobs: Blobs
    maps: Maps
    cards: Cards = NO_CARDS
    holds: Sequence[DeletionHold] = ()
    card_holds: Sequence[CardHold] = ()
    texts: Texts = field(default_factory=Texts)
    streams: Streams = field(default_factory=Streams)
