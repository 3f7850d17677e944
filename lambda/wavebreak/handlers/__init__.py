"""The Lambda doorways: each parses its event, makes one call and shapes the answer."""
