"""``python -m neurona``: the command line."""

from neurona.cli import main

if __name__ == "__main__":
    main()
