"""What would keep a run from working, and what it will take, before anything is spent."""
