"""The facts of all files, linked: what a name stands for, which apps there are, what runs on the event loop."""
