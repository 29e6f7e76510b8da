"""The programme: money, and in later releases dates, data and capability."""
