"""Checks of a plan: when each is made, and what a retry supersedes."""
