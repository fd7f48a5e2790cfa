"""Choosing the bins: the restricted master, cuts, branching and the proof."""
