"""Human labels: how good, how many, how soon and at what price."""
