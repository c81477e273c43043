"""Requests and answers about what staff write to riders."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.fields import Id


class SendPushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to whom."""

    # Together at most 3,600 bytes: providers take 4,096 with all that belongs to them.
    title: Annotated[str, Meta(min_length=1, max_length=100, examples=["Your ride yesterday"])]
    message: Annotated[str, Meta(min_length=1, max_length=800, examples=["We gave you 2 EUR back."])]
    user_id: Annotated[Id, Meta(description="The rider.", examples=[7])]


class PushSent(msgspec.Struct, frozen=True, kw_only=True):
    """It is on its way."""

    status: Annotated[int, Meta(description="1: done as asked.", examples=[1])]
    message: str
    devices: Annotated[int, Meta(description="Of the rider, that are still there.", examples=[2])]
    sent: Annotated[int, Meta(description="To how many of them it went.", examples=[2])]
