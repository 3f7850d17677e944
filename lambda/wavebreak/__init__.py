"""Wavebreak: recovers servers with AWS Elastic Disaster Recovery, wave by wave, and never hides how far it got."""
