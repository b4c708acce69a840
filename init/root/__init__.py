"""What only root runs: it prepares the container and gives root up."""
