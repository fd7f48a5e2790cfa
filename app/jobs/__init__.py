"""Work that takes long: queued durably, and done in processes of its own."""
