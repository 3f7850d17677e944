"""How long a drill's instances may stay, and what happens when their time is over (contract 13)."""
