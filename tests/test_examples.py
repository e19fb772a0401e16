"""The examples run as a user would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script):
    env = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "UserWarning" not in done.stderr
    return done.stdout


def test_study_note():
    printed = run(EXAMPLES / "study_note.py")
    shapes = re.findall(r"simple_rnn\S* \(SimpleRNN\)\s+│\s+(\(.*?\))\s+│\s+(\d+)", printed)
    assert shapes == [("(None, 3)", "42"), ("(8, 3)", "42"), ("(8, 2, 3)", "42")]


def test_digits():
    printed = run(EXAMPLES / "digits.py")
    accuracy = re.fullmatch(r"Accuracy on 450 digits .*: (0\.\d+)\n", printed)
    assert float(accuracy[1]) > 0.93
