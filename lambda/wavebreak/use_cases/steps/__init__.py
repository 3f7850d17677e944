"""Automation and function steps: begun, driven by their machine, stopped, ended."""
