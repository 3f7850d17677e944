"""Checks: what their commands print, and how many executions of one check become factors."""
