"""From raw text to training tokens: what there is, what is left of it, and what that costs."""
