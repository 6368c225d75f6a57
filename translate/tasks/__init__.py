"""What must not be translated: requests whose task a translation would change, told by rules that are data."""
