"""Models of a run tried by hand: talked with (`kielo chat`), or laid side by side (`kielo compare`)."""
