"""How quick the review page is with a plan of ten thousand requests."""
