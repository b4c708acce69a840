"""What a copy of the workspace holds that the user's folder does not: shown, and taken."""
