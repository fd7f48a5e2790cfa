"""What pages say, worked out of what is stored."""
