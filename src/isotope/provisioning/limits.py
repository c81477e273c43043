"""How large a folder may be: each bound is far above a real operator and far below what hurts the machine."""

from typing import Final

MAX_YAML_BYTES: Final = 1 << 20
MAX_ZONES_BYTES: Final = 64 << 20
MAX_VEHICLES_BYTES: Final = 64 << 20
MAX_TAXI_BYTES: Final = 16 << 20

MAX_DEPTH: Final = 20
"""Nesting of a YAML or JSON file."""

MAX_ZONES: Final = 5_000
MAX_ZONE_POSITIONS: Final = 10_000
"""Corners of one zone, all rings together."""

MAX_VEHICLES: Final = 200_000
MAX_STAFF: Final = 200
"""Each password costs a tenth of a second to hash."""

MAX_MODELS: Final = 500
MAX_ADDONS: Final = 500
MAX_TARIFFS: Final = 500
MAX_PACKAGES: Final = 500
MAX_GROUPS: Final = 500
MAX_PROMO_CODES: Final = 5_000
MAX_PLANS: Final = 200

MAX_STATIONS: Final = 1_000
MAX_RENTAL_TARIFFS: Final = 200
MAX_RENTAL_PACKAGES: Final = 500
MAX_RENTAL_ADDONS: Final = 500

MAX_TAXI_CLASSES: Final = 100
MAX_TAXI_VEHICLES: Final = 20_000
MAX_DRIVERS: Final = 20_000
MAX_VEHICLES_OF_DRIVER: Final = 20

MAX_READ: Final = 10 * MAX_VEHICLES
"""Of the store. Retired things stay there for ever: more than one folder holds, and still bounded."""
