"""Which driver is offered which request. Pure.

ASSIGNMENT takes all pairs as one problem: of all ways to give as many requests as possible a driver each, the one with the
least sum of costs. The cost of a pair is the driver's way to the pick-up in seconds, and on top of that

| | seconds |
|---|---|
| the driver has waited for a trip | less, a twentieth of it, at most 90 |
| the driver declined offers, or let them pass, in the last hour | 20 more each, at most 120 |
| the driver holds offers already | 60 more each |
| the request has waited | less, half of it, at most 300: where drivers are few it is served before younger ones |

NEAREST gives each request, oldest first, the nearest driver that is left. BROADCAST asks several drivers at once. MANUAL
offers nothing.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest, Pair

# Worse than any pair: a request stays without a driver only when there is none for it.
_NOBODY: Final = 100_000.0
# Costs must be above zero.
_BASE: Final = 1_000.0


def cost_of(pair: Pair, request: OpenRequest, driver: FreeDriver) -> float:
    """By the table above."""
    return (
        pair.eta_s
        - min(driver.idle_s / 20, 90.0)
        + min(20.0 * driver.declined, 120.0)
        + 60.0 * driver.held
        - min(request.waited_s / 2, 300.0)
    )


def assign(pairs: Sequence[Pair], requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver]) -> list[Pair]:
    """At most one pair a request and a driver: as many as possible, of these the cheapest."""
    if not pairs:
        return []
    asking = sorted({pair.request for pair in pairs})
    chosen = {
        (asking[place], column) for place, column in match(matrix_of(pairs, requests, drivers)) if column < len(drivers)
    }
    return [pair for pair in pairs if (pair.request, pair.driver) in chosen]


def matrix_of(pairs: Sequence[Pair], requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver]) -> Any:
    """A row for each request that has a pair, by rising index; a column for each driver, then one for each row.

    In that one of its own a request stays alone.
    """
    row = {request: place for place, request in enumerate(sorted({pair.request for pair in pairs}))}
    rows = [row[pair.request] for pair in pairs] + list(range(len(row)))
    columns = [pair.driver for pair in pairs] + [len(drivers) + place for place in range(len(row))]
    costs = [_BASE + cost_of(pair, requests[pair.request], drivers[pair.driver]) for pair in pairs]
    costs += [_BASE + _NOBODY] * len(row)
    return csr_matrix((np.array(costs), (rows, columns)), shape=(len(row), len(drivers) + len(row)))


def match(matrix: Any) -> list[tuple[int, int]]:
    """(row, column) of the cheapest way to give each row a column of its own."""
    rows, columns = min_weight_full_bipartite_matching(matrix)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def nearest_first(pairs: Sequence[Pair], requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver]) -> list[Pair]:
    """Each request, the one that has waited longest first, has the nearest driver that is left."""
    found: list[Pair] = []
    taken: set[int] = set()
    by_request: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_request.setdefault(pair.request, []).append(pair)
    for request in sorted(by_request, key=lambda one: (-requests[one].waited_s, requests[one].trip_id)):
        left = [pair for pair in by_request[request] if pair.driver not in taken]
        if left:
            best = min(left, key=lambda pair: (pair.eta_s, drivers[pair.driver].driver_id))
            taken.add(best.driver)
            found.append(best)
    return found


def broadcast(
    pairs: Sequence[Pair],
    requests: Sequence[OpenRequest],
    drivers: Sequence[FreeDriver],
    *,
    at_once: int,
    offers_per_driver: int,
) -> list[Pair]:
    """Each request is offered to so many drivers, nearest first, as far as these can hold it."""
    held = {index: driver.held for index, driver in enumerate(drivers)}
    asked = {index: request.held_by for index, request in enumerate(requests)}
    found: list[Pair] = []
    for pair in sorted(pairs, key=lambda one: (-requests[one.request].waited_s, one.request, one.eta_s, one.driver)):
        if asked[pair.request] < at_once and held[pair.driver] < offers_per_driver:
            asked[pair.request] += 1
            held[pair.driver] += 1
            found.append(pair)
    return found
