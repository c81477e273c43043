"""Pure decisions of this room.

Source: domain rules, section "Sharing ride": a package covers one ride only; discount groups touch the ride price only.
"""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.benefits.model import PackageOffer
from isotope.kernel.time_windows import is_open


def is_offered(package: PackageOffer, model_ref: str | None, local: datetime) -> bool:
    """Whether a ride on such a model that starts at this local time can take the package; model None: on any.

    | for the model, or for all | window open, or none | offered |
    |---------------------------|----------------------|---------|
    | yes                       | yes                  | yes     |
    | yes                       | no                   | no      |
    | no                        | any                  | no      |

    A ride that goes on after the window has closed keeps its package.
    """
    return _is_for(package.spec.models, model_ref) and is_open(package.spec.windows, local)


def _is_for(refs: Sequence[str], model_ref: str | None) -> bool:
    return model_ref is None or not refs or model_ref in refs
