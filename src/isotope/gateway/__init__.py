"""The process that owns the sockets of devices."""
