"""The power of synchronous jobs, millisecond by millisecond, and what the grid allows of it."""
