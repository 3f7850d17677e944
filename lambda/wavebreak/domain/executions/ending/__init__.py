"""The end of recovery instances: what is known of each, what a read shows, its standing, and what a call changes."""
