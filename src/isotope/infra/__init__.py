"""Plumbing that knows no domain: database, clock, notifications, jobs, configuration."""
