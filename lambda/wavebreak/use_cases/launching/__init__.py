"""What starting a wave is made of: its intents and their outcomes, and what DRS shows before a call."""
