"""What `import elman` does and does not do, and which names it offers."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from types import ModuleType

import keras
import pytest

import elman
import elman.layers

FRAMEWORKS = ("keras", "jax", "torch", "tensorflow")
BACKENDS = ("jax", "torch", "tensorflow")


def run(code, home, **environment):
    """Run `code` in a fresh Python where nobody has chosen a backend; return what it printed."""
    env = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "KERAS_HOME")}
    env |= {"HOME": str(home), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_no_framework(tmp_path):
    loaded = run("import elman, sys; print(*sys.modules)", tmp_path).split()
    assert set(FRAMEWORKS).isdisjoint(loaded)
    assert "elman" in loaded


def test_import_is_quick(tmp_path):
    # Time of the processor, the best of five: other programs slow the clock down, not the import.
    code = "import time; t = time.process_time(); import elman; print(time.process_time() - t)"
    seconds = min(float(run(code, tmp_path)) for _ in range(5))
    assert seconds < 0.1, f"import elman took {1000 * seconds:.0f} ms"


@pytest.mark.parametrize("room", ["elman.reference", "elman.legacy"])
def test_lowest_floors_run_without_keras(room, tmp_path):
    loaded = run(f"import {room}, sys; print(*sys.modules)", tmp_path).split()
    assert set(FRAMEWORKS).isdisjoint(loaded)


def chosen(tmp_path, installed, **environment):
    """The backend elman chooses where only the packages `installed` can be imported."""
    for name in installed:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    hidden = [name for name in BACKENDS if name not in installed]
    code = (
        f"import os, sys\nfor name in {hidden}: sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import elman; print(os.environ.get('KERAS_BACKEND'))"
    )
    return run(code, tmp_path, **environment)


@pytest.mark.parametrize(
    ("installed", "backend"),
    [
        (("jax", "torch", "tensorflow"), "jax"),
        (("torch", "tensorflow"), "torch"),
        (("tensorflow",), "tensorflow"),
        ((), "None"),
    ],
)
def test_first_installed_backend_is_chosen(installed, backend, tmp_path):
    assert chosen(tmp_path, installed) == backend


def test_backend_of_the_environment_wins(tmp_path):
    assert chosen(tmp_path, ("jax", "torch"), KERAS_BACKEND="torch") == "torch"


@pytest.mark.parametrize(("named", "backend"), [("torch", "torch"), ("tensorflow", "jax")])
def test_backend_of_the_keras_config_wins_where_installed(named, backend, tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps({"backend": named}))
    assert chosen(tmp_path, ("jax", "torch")) == backend


def test_no_backend_is_said(tmp_path):
    code = (
        "import sys\n"
        f"for name in {BACKENDS}: sys.modules[name] = None\n"
        "import elman\n"
        "try: elman.layers\n"
        "except ImportError as error: print(error)"
    )
    said = run(code, tmp_path)
    assert "elman needs one of jax, torch, tensorflow" in said
    assert "pip install 'elman[jax]'" in said


def public(module):
    return [name for name in dir(module) if not name.startswith("_")]


def keras_modules():
    """Every public module of Keras, without the leading ``keras.``."""
    names, packages = [], [keras]
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            name = found.name.removeprefix("keras.")
            if not name.startswith("_") and name != "src":
                names.append(name)
                packages += [importlib.import_module(found.name)] if found.ispkg else []
    return names


def test_every_keras_name_is_under_elman():
    assert [name for name in public(keras) if not hasattr(elman, name)] == []


def test_every_keras_layer_is_under_elman_layers():
    assert [name for name in public(keras.layers) if not hasattr(elman.layers, name)] == []


@pytest.mark.parametrize("name", keras_modules())
def test_every_keras_module_is_under_elman(name):
    theirs = importlib.import_module(f"keras.{name}")
    ours = importlib.import_module(f"elman.{name}")
    names = [n for n in public(theirs) if not isinstance(getattr(theirs, n), ModuleType)]
    assert [n for n in names if not hasattr(ours, n)] == []


def test_is_typed():
    assert (importlib.resources.files("elman") / "py.typed").is_file()
