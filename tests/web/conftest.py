"""A service on either database, as the tests of the whole service have it."""

from tests.service.conftest import copies, desk, made_plans, plan, world

__all__ = ["copies", "desk", "made_plans", "plan", "world"]
