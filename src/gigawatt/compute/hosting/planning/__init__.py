"""Which way of serving is best within limits on latency, and what it takes."""
