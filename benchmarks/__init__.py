"""Measurements of allybin: `make bench`."""
