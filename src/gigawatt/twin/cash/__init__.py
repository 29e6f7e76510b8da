"""A campus's money over years: capital, cost, income, tax, debt and what it is all worth."""
