"""Parsers of what a hostile program sends: pure, exact, and strict. What is odd is refused, never mended."""
