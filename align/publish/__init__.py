"""A trained model as others load it: 16-bit weights in shards, with a card that holds its scores; `kielo publish` shares it."""
