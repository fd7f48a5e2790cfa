"""The whole service: the API over a real store, with real solves."""
