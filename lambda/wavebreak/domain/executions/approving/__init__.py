"""Waves that wait for somebody's approval: for how long, and what follows then (contract 12)."""
