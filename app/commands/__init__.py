"""What each command does, free of how its options are written."""
