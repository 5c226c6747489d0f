"""What earlier runs have learnt, kept by the content of the files that it is about; a run without it says the same."""
