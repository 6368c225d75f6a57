"""Near-duplicates among prompts: found by their characters, joined to groups, thinned out before a selection, held against evaluations."""
