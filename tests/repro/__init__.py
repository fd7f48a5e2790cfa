"""Whether a proposal can be made again."""
