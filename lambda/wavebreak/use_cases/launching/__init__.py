"""The parts of starting a wave: its intents and their outcomes, and what DRS shows before a call."""
