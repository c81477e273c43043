"""The HTTP contract: one module per section, nothing of it known below."""
