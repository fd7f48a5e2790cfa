"""Tests of the result files."""
