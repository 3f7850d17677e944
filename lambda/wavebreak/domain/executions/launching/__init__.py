"""Rules of a launch: its steps and tags, what is learnt after it, and the last look for what is unknown."""
