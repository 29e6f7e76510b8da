"""What the compute of a campus buys: its models, beside those of others."""
