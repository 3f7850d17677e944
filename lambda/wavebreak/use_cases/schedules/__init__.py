"""Schedules of drills: kept in EventBridge Scheduler as the plans say, and what a scheduled time starts."""
