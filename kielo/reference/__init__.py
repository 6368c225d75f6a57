"""Reference pages that are made from the code: `docs/recipe.md`, `docs/profile.md`, `docs/sentences.md`."""
