"""Expecting a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from isotope.kernel.errors import Refusal


@dataclass(slots=True)
class Refused:
    """Filled in when the block has ended."""

    refusal: Refusal | None = None

    @property
    def it(self) -> Refusal:
        assert self.refusal is not None
        return self.refusal


@contextmanager
def refused(code: str) -> Iterator[Refused]:
    """The block must end in a refusal with this code."""
    told = Refused()
    with pytest.raises(Refusal) as caught:
        yield told
    assert caught.value.code == code, caught.value
    told.refusal = caught.value
