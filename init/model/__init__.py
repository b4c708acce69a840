"""The model servers: which there are, what they serve, and how each tool is told."""
