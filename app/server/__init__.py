"""The service put together: settings in, a running server out."""
