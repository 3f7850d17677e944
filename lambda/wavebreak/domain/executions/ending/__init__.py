"""The end of recovery instances: what is known of each, what a look shows, how it stands, and what a call changes."""
