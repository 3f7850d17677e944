"""Drills in networks of their own: launch templates changed just before a launch, and put back as soon as may be."""
