"""A whole running system, for journeys and for `bench`."""
