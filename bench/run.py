"""What `make bench` runs: a script, or `python -m bench.run`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # As a script its own folder would come first; `bench` is imported from the root like everything else.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from bench.choosing import main

    sys.exit(main(sys.argv[1:]))
