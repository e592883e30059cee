"""A user's first day, rehearsed: from an empty home to the poster's report, on a stand-in hub."""
