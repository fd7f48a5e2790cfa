"""How quick the service is under load, beside what it does at the same time."""
