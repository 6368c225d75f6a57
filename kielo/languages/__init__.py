"""Languages as data: their packs and codes, and telling them apart."""
