"""What the HTTP layer is given by `wiring`: one object, made once for the process."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from isotope.domain.benefits import Packages
from isotope.domain.fleet import LiveMap
from isotope.domain.identity.ports import DeletionHold, SmsSender
from isotope.domain.payments import NO_CARDS, CardHold, Cards
from isotope.domain.sharing.ports import Blobs
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
    """

    config: Config
    rt: Runtime
    operators: Operators
    zones: Zones
    live_map: LiveMap
    packages: Packages
    sms: SmsSender
    blobs: Blobs
    cards: Cards = NO_CARDS
    holds: Sequence[DeletionHold] = ()
    card_holds: Sequence[CardHold] = ()
    texts: Texts = field(default_factory=Texts)
