"""Errors recorded, metrics emitted, health reported."""
