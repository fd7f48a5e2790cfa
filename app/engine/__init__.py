"""Where solving happens: in this process, or in processes of its own."""
