"""The rounds: command line, config, store, the stages in order, trust, replay."""
