"""Time, order and ids: what everything else is driven by."""
