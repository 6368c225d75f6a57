"""The selection methods that MIG is compared with; each module is one of `METHODS`, and one of `kielo select`."""
