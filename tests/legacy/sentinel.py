"""Watches what a file does while it is read: nothing of it may take effect.

An audit hook (PEP 578) sees what Python does, also in threads, and forbids it: files opened, code
run, modules imported, processes started, names looked up in the network. It cannot be taken out
again, and does nothing unless a `Watch` is on. HDF5 opens files without telling Python.
"""

import builtins
import contextlib
import os
import resource
import sys
import tempfile
import threading
from pathlib import Path

import keras
from keras.src.saving import serialization_lib

_watch = None
_busy = threading.local()

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What no reading of a file does.
_NEVER = (
    "os.system", "os.exec", "os.spawn", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile",
    "pty.spawn", "os.kill", "os.putenv", "os.unsetenv", "os.chdir", "os.fchdir",
    "socket.", "urllib.Request", "http.client.", "ftplib.", "smtplib.", "webbrowser.", "imaplib.",
    "ctypes.dlopen", "pickle.find_class", "builtins.input", "builtins.breakpoint", "code.__new__",
    "cpython.run_", "sqlite3.", "syslog.",
)  # fmt: skip
# What a reading may do within its own folder.
_INSIDE = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime", "os.listdir", "os.scandir", "shutil.", "glob.glob",
    "tempfile.",
)  # fmt: skip


class Watch:
    """What happened that should not have, in words, while it was on.

    Arguments:
        folder: where the file is, and what may be written in.
        mark: bytes that stand in the code that the file brings along.
    """

    def __init__(self, folder, mark):
        self.seen, self.mark = [], mark
        self.folder = str(Path(folder).resolve())
        roots = {sys.prefix, sys.base_prefix, *map(os.path.abspath, filter(None, sys.path))}
        self.readable = (self.folder, *roots, "/proc/", "/sys/", "/dev/urandom", "/dev/null")
        self.modules = {name.partition(".")[0] for name in sys.modules}

    def __call__(self, event, arguments):
        found = self._fault(event, arguments)
        if found:
            self.seen.append(f"{event}: {found} in {threading.current_thread().name}"[:300])
            if event != "import":  # many look whether there is a module
                raise PermissionError(f"{event} is not for a file to ask: {found!s:.100}")

    def _fault(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            writes = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & _WRITING)
            return isinstance(path, str | bytes) and self._outside(path, writes)
        if event == "import":
            return arguments[0].partition(".")[0] not in self.modules and arguments[0]
        if event == "subprocess.Popen":
            # The one that looks first at text of variable length.
            return "probe()" not in str(arguments[1]) and str(arguments[:2])
        if event in ("exec", "compile", "marshal.loads", "function.__new__"):
            return self.mark in _bytes_of(arguments[0]) and "code of the file"
        if event.startswith(_NEVER):
            return str(arguments)
        if event.startswith(_INSIDE):
            paths = [value for value in arguments if isinstance(value, str | bytes | os.PathLike)]
            writes = not event.startswith(("os.listdir", "os.scandir", "glob."))
            return next((bad for path in paths if (bad := self._outside(path, writes))), None)
        return None

    def _outside(self, path, writes):
        whole = os.path.abspath(os.fsdecode(path))
        allowed = (self.folder, "/dev/null") if writes else self.readable
        return None if whole.startswith(allowed) else whole


def _bytes_of(code):
    """The bytes of code, of its source, or of what is unmarshalled."""
    if isinstance(code, bytes):
        return code
    if isinstance(code, str):
        return code.encode("utf-8", "replace")
    names = (getattr(code, "co_filename", ""), *getattr(code, "co_names", ()))
    return repr((names, getattr(code, "co_consts", ()))).encode()


def _hook(event, arguments):
    if _watch is None or getattr(_busy, "now", False):
        return
    _busy.now = True  # what the watch itself does
    try:
        _watch(event, arguments)
    finally:
        _busy.now = False


sys.addaudithook(_hook)


@contextlib.contextmanager
def watched(folder, mark):
    """Within it a `Watch` is on; temporary files go into ``folder/temp``."""
    global _watch
    temporary = Path(folder, "temp")
    temporary.mkdir(exist_ok=True)
    before, kept = state(), tempfile.tempdir
    tempfile.tempdir = str(temporary)
    _watch = watch = Watch(folder, mark)
    try:
        yield watch
    finally:
        _watch, tempfile.tempdir = None, kept
        after = state()
        watch.seen += [
            f"{name} was changed" for name in before if not _same(name, before[name], after[name])
        ]
        watch.seen += [f"{path.name} was left behind" for path in temporary.iterdir()]


def state():
    """What of Python and of Keras a file must leave alone."""
    getters = [
        name
        for name in dir(keras.config)
        if not name.startswith(("_", "set_", "enable_", "disable_"))
        and callable(getattr(keras.config, name))
    ]
    library = {name for name in sys.modules if name.partition(".")[0] in sys.stdlib_module_names}
    return {
        **{f"keras.config.{name}": repr(getattr(keras.config, name)()) for name in getters},
        "the safe mode": serialization_lib.in_safe_mode(),
        "custom objects": dict(keras.saving.get_custom_objects()),
        "os.environ": dict(os.environ),
        "the working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "modules of Python": {name: id(sys.modules[name]) for name in library},
        "builtins": {name: id(value) for name, value in vars(builtins).items()},
    }


def _same(name, before, after):
    """Modules may come, but none may become another."""
    if name != "modules of Python":
        return before == after
    return all(after.get(module) == value for module, value in before.items())


class Memory:
    """Within it, by how many bytes the memory of the process grew at the most.

    Linux forgets the highest mark when it is told to; elsewhere nothing is measured. What asks for
    far more gets a MemoryError, so that the machine goes on.
    """

    grown = 0
    most = 4 * 2**30

    def __enter__(self):
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
            self.began = _status("VmRSS")
            self.limits = resource.getrlimit(resource.RLIMIT_DATA)
            limit = _status("VmData") + self.most
            resource.setrlimit(resource.RLIMIT_DATA, (limit, self.limits[1]))
        return self

    def __exit__(self, *_):
        if hasattr(self, "limits"):
            resource.setrlimit(resource.RLIMIT_DATA, self.limits)
            self.grown = max(_status("VmHWM") - self.began, 0)


def _status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
