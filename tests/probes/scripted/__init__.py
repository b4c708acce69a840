"""What the scripted model says, and how each API of a model server says it."""
