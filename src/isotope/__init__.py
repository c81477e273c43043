"""Isotope: the shared-mobility platform that an operator can own."""
