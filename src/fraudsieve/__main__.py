"""``python -m fraudsieve`` is ``fraudsieve``."""

from fraudsieve.cli.app import main

if __name__ == "__main__":
    main()
