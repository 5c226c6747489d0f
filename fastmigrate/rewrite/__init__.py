"""Intents become new text: one parse, one pass, one print per file. HTTP is not known here."""
