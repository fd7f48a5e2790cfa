"""The JSON API: an endpoint parses, calls one use case and shapes the answer."""
