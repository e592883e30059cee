"""Screens; each owns its flow."""
