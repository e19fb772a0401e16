"""JSON and YAML of a model, read within limits: hostile text is refused, never carried out."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

# A layer inside a layer costs three levels, so this is thirty models inside each other.
DEPTH = 100
SIZE = 64 * 2**20  # bytes of text
YAML_SIZE = 4 * 2**20  # of YAML, which is read a thousand times as slowly as JSON
VALUES = 2_000_000  # numbers, words, lists and dicts in it


# Whatever a value of another type than its tag says raises in PyYAML.
_DAMAGE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)
_LONG_NUMBER = re.compile(r"[0-9:_.]{1000}")


def parse(text: str | bytes, what: str) -> Any:
    """The value written in the JSON or YAML `text`.

    Arguments:
        text: what was read, e.g. what `model.to_json()` gave.
        what: what it is, for the errors, e.g. "model_config of old.h5".

    Raises:
        ValueError: neither JSON nor YAML, or longer or deeper than any model.

    >>> parse('{"class_name": "Sequential"}', "a model")
    {'class_name': 'Sequential'}
    >>> parse("class_name: Sequential", "a model")
    {'class_name': 'Sequential'}
    """
    if len(text) > SIZE:
        raise ValueError(f"{what} must be at most {SIZE} bytes long, got {len(text)}")
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        json_like = text.lstrip().startswith(("{", "["))
        if not json_like and len(text) > YAML_SIZE:
            raise ValueError(f"YAML must be at most {YAML_SIZE} letters long, got {len(text)}")
        if not json_like and _LONG_NUMBER.search(text):  # read in the square of its length
            raise ValueError("YAML must have numbers of at most 1,000 letters, got a longer one")
        value = json.loads(text) if json_like else yaml.load(text, _Loader)
    except RecursionError:
        raise _too_deep(what) from None
    except (*_DAMAGE, yaml.YAMLError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{what} must be JSON or YAML, got text that is neither: {first:.200}"
        ) from None
    check(value, what)
    return value


def check(value: Any, what: str) -> None:
    """Refuse a value that is too deep or too large, the copies that YAML makes included."""
    level, seen = [value], 0
    for _ in range(DEPTH):
        level = [parent for parent in level if isinstance(parent, Mapping | list | tuple)]
        seen += sum(len(parent) for parent in level)
        if seen > VALUES:
            raise ValueError(f"{what} must hold at most {VALUES} values, got more")
        if not level:
            return
        level = [child for parent in level for child in _children(parent)]
    raise _too_deep(what)


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, Mapping) else value


def _too_deep(what: str) -> ValueError:
    return ValueError(f"{what} must be at most {DEPTH} levels deep, got more")


class _Loader(yaml.SafeLoader):
    """Plain values only, and the tuples and old strings that Keras wrote into its YAML."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse `<<`, with which a few lines make a dict without end."""
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.constructor.ConstructorError(None, None, "one dict merged into another")
        super().flatten_mapping(node)


_Loader.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node)
)
for _old in ("unicode", "str"):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:python/{_old}", lambda loader, node: loader.construct_scalar(node)
    )
