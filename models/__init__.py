"""What learns and what writes, in-process: encoder, classifier, query strategies, local LLM, records."""
