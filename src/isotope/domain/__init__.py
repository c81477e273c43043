"""The rooms. Who may see whom is drawn in docs/ARCHITECTURE.md and checked by import-linter."""
