"""The documentation that people read, at `/api/docs`: one page, made of the registry, loading nothing from anywhere."""
