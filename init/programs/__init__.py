"""One module for each program in /usr/local/bin: sandbox-accept, -connect, -doctor, -enter, and -prepare."""
