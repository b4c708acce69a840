"""PID 1 as the agent: what a session is given, and the program that it supervises."""
