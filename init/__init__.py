"""PID 1 of the agentic sandbox: prepares the container as root, gives root up, supervises one tool."""
