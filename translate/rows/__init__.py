"""The source step: rows of any published format, from the Hub, a file or the pocket world, become records."""
