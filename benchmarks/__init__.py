"""Measurements of allybin beside what a user could pick instead: `make bench`."""
