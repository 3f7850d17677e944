"""Elastic Disaster Recovery: what it keeps, how its jobs go, what its operations answer."""
