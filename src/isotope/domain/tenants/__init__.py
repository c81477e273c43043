"""Room: tenants."""
