"""The examination of the machine, the sandbox and the model."""
