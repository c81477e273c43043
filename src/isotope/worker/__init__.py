"""The worker process: jobs that use cases postponed, and what is done again and again."""
