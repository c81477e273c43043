"""The process that runs every job and every periodic task."""
