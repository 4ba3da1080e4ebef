"""Looking at data that nobody prepared, and writing a configuration for it."""
