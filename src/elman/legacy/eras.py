"""Which Keras a program was written for, and what that Keras took for granted.

Defaults changed on the way: a program that builds ``LSTM(32)`` and says no more means the LSTM of
its day. `read` finds the day out from the program's text, `defaults` says what was another one.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from elman.legacy.tables import names


@dataclass(frozen=True)
class Era:
    """A ``version`` of the ``library`` that brought Keras, "Keras" itself or "TensorFlow"."""

    library: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.library} {'.'.join(map(str, self.version))}"


KERAS1 = Era("Keras", (1,))
KERAS2 = Era("Keras", (2, 2))
TENSORFLOW1 = Era("TensorFlow", (1, 15))
LATE = Era("TensorFlow", (2, 15))  # where nothing tells
KERAS3 = Era("Keras", (3,))

# Classes, argument, what it was by default, in all versions of Keras and TensorFlow before these.
# From the documentation of each version.
_WAS: tuple[tuple[str, str, Any, tuple[int, ...], tuple[int, ...]], ...] = (
    ("LSTM LSTMCell GRU GRUCell", "recurrent_activation", "hard_sigmoid", (2, 3), (2,)),
    ("GRU GRUCell", "reset_after", False, (2, 4), (2,)),
    ("ConvLSTM1D ConvLSTM2D ConvLSTM3D", "recurrent_activation", "hard_sigmoid", (3,), (2, 16)),
    ("Adadelta", "learning_rate", 1.0, (2, 4), (1, 13)),
    ("Adagrad", "learning_rate", 0.01, (2, 4), (1, 13)),
    ("Adagrad", "initial_accumulator_value", 0.0, (2, 4), (1, 13)),
    ("Adamax Nadam", "learning_rate", 0.002, (2, 4), (1, 13)),
    # Of RMSprop and Adagrad it stood beside the root, where today's stands under it: not the same.
    ("Adadelta Adam Adamax Nadam", "epsilon", 1e-8, (2, 1), (1, 8)),
    ("predict", "verbose", 0, (2, 9), (2, 9)),
)


def defaults(name: str, era: Era | None) -> dict[str, Any]:
    """The defaults of a layer, optimizer or method, called as today, that were others than today's.

    >>> defaults("GRU", Era("Keras", (2, 2)))
    {'recurrent_activation': 'hard_sigmoid', 'reset_after': False}
    >>> defaults("GRU", Era("TensorFlow", (2, 0)))
    {}
    """
    if era is None:
        return {}
    return {
        argument: value
        for classes, argument, value, keras, tensorflow in _WAS
        if name in names(classes)
        and era.version < (keras if era.library == "Keras" else tensorflow)
    }


# The era of the program that is being run; of its context, so that other threads have none.

_in_force: ContextVar[Era | None] = ContextVar("elman_era", default=None)


def current() -> Era | None:
    """The era of the program that is being run; None where none is."""
    return _in_force.get()


@contextmanager
def in_force(era: Era) -> Iterator[None]:
    """Let `current` be ``era``."""
    before = _in_force.set(era)
    try:
        yield
    finally:
        _in_force.reset(before)


# What a program's text tells.


@dataclass(frozen=True)
class Sign:
    """The ``words`` of a program that tell its ``era``, and ``where`` they stand."""

    era: Era
    where: str
    words: str

    @property
    def matters(self) -> bool:
        """Whether a layer of that era means another one than today's where nothing is said."""
        return bool(defaults("GRU", self.era))

    def __str__(self) -> str:
        return f"{self.words} tells that this was written for {self.era}; --keras says otherwise"


_WHOLE = {Era(era.library, era.version[:1]): era for era in (KERAS2, TENSORFLOW1, LATE)}


_LAST = {"Keras": 3, "TensorFlow": 2}


def parsed(version: str) -> Era:
    """The era that a user names: a version of Keras, or of TensorFlow with "tf" before it.

    A number alone is the last version before what is taken for granted changed.

    Raises:
        ValueError: it is neither.

    >>> str(parsed("2.2.4")), str(parsed("tf1.15"))
    ('Keras 2.2.4', 'TensorFlow 1.15')
    """
    found = re.fullmatch(r"(tf|tensorflow)?[ =-]*(\d+(?:\.\d+)*)", version.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(
            "--keras must be a version of Keras, or of TensorFlow with tf before it, as in 2.2 or "
            f"tf1.15, got {version!r}"
        )
    era = Era("TensorFlow" if found[1] else "Keras", tuple(map(int, found[2].split("."))))
    if not 1 <= era.version[0] <= _LAST[era.library]:
        raise ValueError(
            f"--keras must be Keras 1 to {_LAST['Keras']} or TensorFlow 1 to "
            f"{_LAST['TensorFlow']}, got {era}; name the one that the program was written for"
        )
    return _WHOLE.get(era, era)


_PINNED = re.compile(
    r"(?i)(?<![\w.-])(keras|tensorflow(?:-gpu|-cpu)?)"
    r"(?:(?: ?>=? ?[\d.]+,)? ?(==|~=|<=|<) ?(\d+(?:\.\d+)*)(\.\*)?|[-=](\d+(?:\.\d+)+))"
    r"|%tensorflow_version\s+(\d)"
)
_BACKEND = re.compile(r"Using (TensorFlow|Theano|CNTK) backend")  # what Keras until 2.3 printed

# Arguments and names that one generation alone had.
_OF_KERAS1 = frozenset(
    names(
        "nb_epoch samples_per_epoch nb_val_samples nb_filter filter_length border_mode "
        "subsample_length pool_length nb_row nb_col dim_ordering inner_init inner_activation "
        "forget_bias_init W_regularizer U_regularizer b_regularizer dropout_W dropout_U "
        "consume_less"
    )
)
_WORDS = (
    (KERAS1, re.compile(r"\bkeras\.(objectives|initializations)\b|\bTimeDistributedDense\b")),
    (
        TENSORFLOW1,
        re.compile(
            r"(?<![\w.])(tf|tensorflow)\.(Session|InteractiveSession|ConfigProto|GPUOptions|"
            r"placeholder|set_random_seed|logging|contrib|global_variables_initializer|flags|"
            r"initialize_all_variables|enable_eager_execution|get_default_graph|app|"
            r"reset_default_graph|train\.\w+Optimizer|disable_v2_behavior)\b"
            r"|\bdisable_v2_behavior\b"
        ),
    ),
    (KERAS2, re.compile(r"\bkeras_contrib\b|\btensorflow_backend\b|\b\w*image_dim_ordering\b")),
)
# The interface of TensorFlow 1 in TensorFlow 2, and the Keras in it. Beside that interface
# tensorflow.keras is TensorFlow 2's.
_COMPAT = re.compile(r"compat(?:\.v1| import v1) as tf\b|\bdisable_v2_behavior\b")
_COMPAT_KERAS = re.compile(
    r"\bcompat\.v1(?:\.| import )keras\b"
    r"|compat(?:\.v1| import v1) as (\w+)$(?:.|\n)*(?<![\w.])\1\.keras\b",
    re.MULTILINE,
)
# Until Keras 2.3 and TensorFlow 2 the accuracy was called acc, however it was asked for.
_ASKED = re.compile(r"metrics\s*=\s*\[[^\]]*['\"]accuracy['\"]")
_CALLED = re.compile(
    r"(?:history|logs)\w{0,30}\[['\"](?:val_)?acc['\"]\](?!\s*=[^=]|\.append)"
    r"|(?:history|logs)\w{0,30}\.get\(['\"](?:val_)?acc['\"]\)?"
    r"|\bmonitor\s*=\s*['\"](?:val_)?acc['\"]"
    # In the name of a checkpoint, which Keras fills in.
    r"|(?<![fF])(?<![fF][rR])['\"][^'\"\n]{0,200}\{(?:val_)?acc\b"
    r"[^'\"\n]{0,200}\.(?:h5|hdf5|ckpt|keras)['\"](?!\.format)"
    r"|\bModelCheckpoint\(\s*(?:filepath\s*=\s*)?['\"][^'\"\n]{0,200}\{(?:val_)?acc\b"
)
# What no program of an old day has.
_NEW = re.compile(
    r"['\"]val_accuracy['\"]|history\[['\"]accuracy['\"]\]|\b(?:tf|tensorflow)\.random\.set_seed\b"
)
_OF_KERAS3 = re.compile(
    r"(?m)^(?:import|from) elman\b|\bkeras\.ops\b|^from keras import (?:.*\W)?ops\b"
)
_IMPORTS_KERAS = re.compile(r"^\s*(?:from|import)\s+keras\b", re.MULTILINE)


def read(parts: Iterable[tuple[str, str]], printed: str = "") -> Sign | None:
    """What tells the era of a program; None where nothing does.

    Arguments:
        parts: the text of the program, or of each cell of a notebook, and what stands before
            "line 3" to say where, e.g. "cell 2, ".
        printed: what a notebook has kept of what it printed.

    >>> str(read([("", "from keras.layers import LSTM\\nmodel.fit(x, y, nb_epoch=3)")]).era)
    'Keras 1'
    >>> read([("", "!pip install tensorflow==1.13.1")]).era
    Era(library='TensorFlow', version=(1, 13, 1))
    """
    parts = list(parts)
    whole = "\n".join(text for _, text in parts)
    is_keras = bool(_IMPORTS_KERAS.search(whole))
    for sign in (*_pins(parts, printed, is_keras), *_words(parts, whole, printed, is_keras)):
        return Sign(_brought(sign.era, is_keras), sign.where, sign.words)
    return None


def _brought(era: Era, is_keras: bool) -> Era:
    """What a program got Keras from: which Keras went with a TensorFlow, and the other way."""
    if era.library == ("Keras" if is_keras else "TensorFlow") or era.version >= KERAS3.version:
        return era
    if era.library == "Keras":
        return TENSORFLOW1 if era.version < (2, 3) else LATE
    if era.version < (2, 4):
        return KERAS2 if era.version < (2,) else Era("Keras", (2, 3))
    return LATE if era.version < (2, 16) else KERAS3


def _pins(parts: list[tuple[str, str]], printed: str, is_keras: bool) -> Iterator[Sign]:
    """Versions that are installed, first those of the library that the program imports."""
    found = []
    for before, text in [*parts, ("", printed)]:
        for match in _PINNED.finditer(text):
            where = "" if text is printed else _line(before, text, match.start())
            found.append(Sign(_pinned(*match.groups()), where, match[0]))
    yield from sorted(found, key=lambda sign: (sign.era.library == "Keras") != is_keras)


def _pinned(name: str, sign: str, bound: str, star: str, exact: str, colab: str) -> Era:
    """The era that a match of `_PINNED` names."""
    if colab:
        return Era("TensorFlow", (int(colab), 15))
    library = "Keras" if name.lower() == "keras" else "TensorFlow"
    version = tuple(map(int, (exact or bound).split(".")))
    if star:  # the last of them: ==2.2.* is what comes before 2.3
        return _before(library, (*version[:-1], version[-1] + 1))
    return _before(library, version) if sign == "<" else Era(library, version)


def _before(library: str, version: tuple[int, ...]) -> Era:
    """The last one before a version: 2.2 before 2.3.0, 1.15 before 2."""
    while version[-1] == 0 and len(version) > 1:
        version = version[:-1]
    version = (*version[:-1], version[-1] - 1)
    if library == "Keras" and version == KERAS1.version:
        return KERAS1
    return Era(library, version if len(version) > 1 else (*version, 15))


def _words(
    parts: list[tuple[str, str]], whole: str, printed: str, is_keras: bool
) -> Iterator[Sign]:
    codes = [(before, text, *_code(text)) for before, text in parts]
    for before, _, code, _ in codes:
        if match := _OF_KERAS3.search(code):
            yield Sign(KERAS3, _line(before, code, match.start()), match[0])
    if _NEW.search(whole):
        return
    for before, _, _, arguments in codes if is_keras else ():
        for word, line in arguments:
            if word in _OF_KERAS1:
                yield Sign(KERAS1, f"{before}line {line}", f"{word}=")
    code = "\n".join(code for _, _, code, _ in codes)
    is_tensorflow2 = _COMPAT.search(code) and not _COMPAT_KERAS.search(code)
    for era, words in _WORDS:
        for before, _, code, _ in () if era == TENSORFLOW1 and is_tensorflow2 else codes:
            if match := words.search(code):
                yield Sign(era, _line(before, code, match.start()), match[0])
    if match := _BACKEND.search(printed):
        yield Sign(KERAS2, "", match[0])
    for before, text in parts if _ASKED.search(whole) else ():
        if match := _CALLED.search(text):
            both = f"{match[0]} beside metrics=['accuracy']"
            yield Sign(KERAS2, _line(before, text, match.start()), both)


def _line(before: str, text: str, at: int) -> str:
    return f"{before}line {text.count(chr(10), 0, at) + 1}"


def _code(text: str) -> tuple[str, list[tuple[str, int]]]:
    """The program without comments and strings, in its lines; arguments in calls, their lines."""
    lines = ["" if line.lstrip()[:1] in ("!", "%") else line for line in text.splitlines()]
    kept = [""] * (len(lines) + 1)
    arguments, depth, last, defines = [], 0, "", False
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
            if token.string == "=" and depth and not defines:
                arguments.append((last, token.start[0]))
            defines = token.string == "def" or (defines and (depth > 0 or token.string != ":"))
            depth += (token.string in tuple("([{")) - (token.string in tuple(")]}"))
            last = token.string
            if token.type in (tokenize.NAME, tokenize.OP):
                space = " " if token.type == tokenize.NAME and kept[token.start[0] - 1] else ""
                line = kept[token.start[0] - 1]
                kept[token.start[0] - 1] = line + (space if line[-1:] != "." else "") + last
    except (tokenize.TokenError, SyntaxError):
        pass  # Python 2, or a line that only a notebook understands: what came before it counts
    return "\n".join(kept), arguments
