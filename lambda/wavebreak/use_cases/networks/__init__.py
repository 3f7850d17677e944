"""Drills in networks of their own: launch templates changed just before a launch, and restored as soon as possible."""
