"""Errors recorded, metrics emitted, health told."""
