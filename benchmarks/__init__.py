"""What is timed, each beside a peer or a floor, all contenders in one run."""
