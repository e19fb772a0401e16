"""`migrate`: an old program, rewritten for today's elman and Keras, comments and layout kept."""

import difflib
import io
import os
import tokenize
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from elman._writing import whole
from elman.compat.migrate import cells
from elman.compat.migrate.python2 import with_print_functions
from elman.compat.migrate.transform import rewritten
from elman.legacy import eras
from elman.legacy.programs import ENCODING


@dataclass(frozen=True)
class Migrated:
    """A program in today's words.

    Attributes:
        before, source: the text of the file as it was and as it is now.
        notes: what was left as it was and what to do, e.g. "line 31: tf.gather is ...".
    """

    before: str
    source: str
    notes: tuple[str, ...]

    def diff(self, name: str) -> str:
        """The changes as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.source.splitlines(keepends=True),
            name,
            name,
        )
        return "".join(lines)

    def write(self, path: str | os.PathLike) -> None:
        """Write the program, whole or not at all."""
        with whole(path) as part:
            part.write_bytes(self.source.encode(_encoding(self.source.encode())))


def migrate(source: str, name: str = "the program", keras_version: str | None = None) -> Migrated:
    """Rewrite the text of a program for today's elman, so that it needs no import hook.

    What cannot be rewritten with certainty stays as it is, and a note says so. Rewriting the
    result again changes nothing.

    Arguments:
        source: Python text; ``name`` is what errors call it.
        keras_version: the Keras that it was written for, "2.2" or, for TensorFlow's, "tf1.15",
            whose defaults are written out where they are not today's; else `eras.read` finds it.

    Raises:
        ValueError: it is no Python 3, print statements of Python 2 aside.

    Example:
        >>> print(migrate("from keras.layers.recurrent import LSTM\\nLSTM(output_dim=3)").source)
        from elman.layers import LSTM
        LSTM(units=3, recurrent_activation='hard_sigmoid')
    """
    return _migrated(source, name, keras_version, eras.read([("", source)]))


def _migrated(
    source: str, name: str, keras_version: str | None, sign: eras.Sign | None
) -> Migrated:
    before, (source, notes) = source, with_print_functions(source)
    module = _parsed(source, name)
    era = sign.era if sign else eras.LATE
    if keras_version is not None:
        era = eras.parsed(keras_version)
    done = rewritten(module, era, lambda line, sentence: notes.append((line, sentence)))
    told = dict.fromkeys(f"line {line}: {sentence}" for line, sentence in sorted(notes))
    if sign and sign.matters and keras_version is None and done.code != before:
        told = {f"{sign.where}: {sign}".removeprefix(": "): None, **told}
    return Migrated(before, done.code, tuple(told))


def migrate_notebook(
    text: str, name: str = "the notebook", keras_version: str | None = None
) -> Migrated:
    """Rewrite the code cells of a notebook; its outputs, markdown and magics stay as they are.

    Raises:
        ValueError: it is no notebook, or a cell is no Python 3.
    """
    notebook = cells.read(text, name)
    done = _migrated(notebook.source, name, keras_version, notebook.sign)
    return Migrated(text, notebook.with_source(done.source), notebook.by_cell(done.notes))


def migrate_file(path: str | os.PathLike, keras_version: str | None = None) -> Migrated:
    """Rewrite a script (.py) or a notebook (.ipynb); ``keras_version`` as of `migrate`.

    Raises:
        OSError, UnicodeError: the file cannot be read.
        ValueError: it is no Python 3, or no notebook.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        text = data.decode(_encoding(data))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be UTF-8, got: {error}; {ENCODING}") from None
    rewrite = migrate_notebook if path.suffix == ".ipynb" else migrate
    return rewrite(text, str(path), keras_version)


def _encoding(data: bytes) -> str:
    """The encoding that the first lines of a program say, else UTF-8."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _parsed(source: str, name: str) -> cst.Module:
    try:
        # Not libcst first: Python's own errors say what is wrong.
        compile(source, name, "exec", dont_inherit=True)
        return cst.parse_module(source)
    except SyntaxError as error:
        raise ValueError(
            f"{name}, line {error.lineno}: the program must be Python 3, got {error.msg}; "
            "mend that line"
        ) from None
    except cst.ParserSyntaxError as error:
        raise ValueError(
            f"{name}, line {error.raw_line}: the program must be Python 3; mend that line"
        ) from None
