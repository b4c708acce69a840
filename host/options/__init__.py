"""What the command line asks for: a module for each group of verbs, which cli.py puts together."""
