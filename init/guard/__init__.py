"""The workspace guard: what a session wrote that the user's own machine would run."""
