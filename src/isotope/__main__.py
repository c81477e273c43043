"""`python -m isotope` is the command `isotope`."""

from isotope.cli import main

main()
