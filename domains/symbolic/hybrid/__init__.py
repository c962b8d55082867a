"""The search for a law: weak form, library, shooting, selection."""
