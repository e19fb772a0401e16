"""Arguments that models and their methods had in Keras 1, turned into today's."""

from collections.abc import Mapping
from typing import Any

RENAMED: Mapping[str, Mapping[str, str]] = {
    "Model": {"input": "inputs", "output": "outputs"},
    "fit": {"nb_epoch": "epochs"},
}


def rename(method: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments `kwargs` of `method` under the names they have today.

    Raises:
        TypeError: an argument given under both its names.

    >>> rename("fit", {"nb_epoch": 3, "verbose": 0})
    {'epochs': 3, 'verbose': 0}
    """
    names = RENAMED[method]
    for old, new in names.items():
        if old in kwargs and new in kwargs:
            raise TypeError(
                f"{method} got {old}={kwargs[old]!r} and {new}={kwargs[new]!r}, which are one "
                f"argument today; give only {new}"
            )
    return {names.get(name, name): value for name, value in kwargs.items()}
