"""Facts seen of a plan, and the verdicts on them."""
