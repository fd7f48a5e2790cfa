"""Who did what, when, before and after: a trail that cannot be changed unnoticed."""
