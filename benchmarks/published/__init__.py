"""Published instances whose optimum is known, through the very same core."""
