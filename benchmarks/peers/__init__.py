"""What a user could pick instead of allybin, each beside ours on the same batch."""
