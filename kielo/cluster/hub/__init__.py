"""`kielo prefetch`: what jobs without network find in the cache."""
