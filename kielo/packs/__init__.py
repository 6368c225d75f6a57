"""Language packs: drafted from standard data and a text, checked against both, listed (`kielo language`)."""
