"""Certificates as they are written, and whether they prove a stated lower bound."""
