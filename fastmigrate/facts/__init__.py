"""What one file says, read with `ast` into plain frozen values: no file knows of another here."""
