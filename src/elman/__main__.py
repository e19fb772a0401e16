"""``python -m elman`` is the command ``elman``."""

from elman.cli import main

if __name__ == "__main__":
    main()
