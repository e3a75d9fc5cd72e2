"""`python -m ondr` is `ondr`."""

from ondr.cli import main

if __name__ == "__main__":
    main()
