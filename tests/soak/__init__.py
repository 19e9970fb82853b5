"""Runs that take minutes and a machine of their own: `make soak`. Nothing here runs with the tests."""
