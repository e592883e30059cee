"""Homes as released versions left them: see `test_released`."""
