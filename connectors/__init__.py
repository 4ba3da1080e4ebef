"""Whatever crosses the process boundary: Label Studio, LLM servers, dataset files, simulated annotators."""
