"""`kielo preflight`: the network between nodes, tried by two process groups."""
