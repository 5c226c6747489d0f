"""`python -m fastmigrate` is the command itself."""

from fastmigrate.cli import main

if __name__ == "__main__":
    main()
