"""What several people's verdicts come to, how far they agree, and what their work says of the machines'."""
