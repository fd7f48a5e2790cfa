"""What callers may do: each use case is one transaction, opened where it is seen."""
