"""Which rows to train on: near-duplicates thinned out, then a method (MIG, DEITA, random ...); step `select`, and `kielo select`."""
