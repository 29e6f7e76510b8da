"""Power of accelerators and their hosts by what they do: chip, work, host, activity."""
