"""What the LLM and people have cost, what it may cost, and which source rests."""
