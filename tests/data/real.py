"""Where the real data is, for tests that read it."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("ELMAN_DATA") or Path(__file__).parents[3] / "shared" / "data")


def real(name):
    """The path of a real file, or the test is skipped."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs real data: no {name} in $ELMAN_DATA or ../shared/data")
    return path
