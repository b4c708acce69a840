"""Syntax without meaning: YAML, JSON with comments, and what was parsed when the image was built."""
