"""What a cluster is: profiles, how they are read, and how a new one is written."""
