"""One file for each command of the command line; loop/cli.py lists them."""
