"""Dates, layouts and durations (Go's package time)."""
