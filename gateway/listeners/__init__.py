"""What stands behind each of the gateway's sockets."""
