"""Files and folders that are written whole or not at all, whatever ends the process."""

import contextlib
import os
import platform
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory


@contextlib.contextmanager
def whole(path: str | os.PathLike, replaced: Collection[str] = ()) -> Iterator[Path]:
    """Where to write what shall be at ``path``; it is moved there when the block ends.

    A block that raises leaves ``path`` as it was. A process that is killed leaves at most a hidden
    folder beside it, which the next one that writes there takes away.

    Arguments:
        path: a file or a folder; one that is there is replaced. What else is in the old folder
            stays in the new one.
        replaced: names in the old folder that do not stay.

    Yields:
        A path with the same name, at which there is nothing yet.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp()) / "report.txt"
        >>> with whole(path) as part:
        ...     _ = part.write_text("accuracy 0.9")
        >>> path.read_text(), [other.name for other in path.parent.iterdir()]
        ('accuracy 0.9', ['report.txt'])
    """
    path = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    _tidy(path)
    with TemporaryDirectory(dir=path.parent, prefix=f"{_prefix(path)}{os.getpid()}.") as beside:
        part = Path(beside, path.name)
        yield part
        if part.is_dir() and path.is_dir():
            _keep(path, part, replaced)
            _swap(part, path, Path(beside, "old"))
        else:
            part.replace(path)


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def _prefix(path: Path) -> str:
    """How the names of the hidden folders beside ``path`` begin; what follows is a process."""
    return f".{path.name}.{re.sub(r'[^a-zA-Z0-9]', '-', platform.node())}."


def _keep(path: Path, part: Path, replaced: Collection[str]) -> None:
    """Let the new folder have what else is in the old one."""
    for other in path.iterdir():
        if other.name not in replaced and not (part / other.name).exists():
            if other.is_dir():
                shutil.copytree(other, part / other.name, symlinks=True)
            else:
                shutil.copy2(other, part / other.name, follow_symlinks=False)


def _swap(part: Path, path: Path, old: Path) -> None:
    path.rename(old)
    try:
        part.rename(path)
    except OSError:
        if not path.exists():
            old.rename(path)
        raise


def _tidy(path: Path) -> None:
    """Remove what processes left beside ``path`` that were killed; an old folder is put back."""
    prefix = _prefix(path)
    for beside in path.parent.iterdir() if path.parent.is_dir() else ():
        process = beside.name.removeprefix(prefix).partition(".")[0]
        if beside.name.startswith(prefix) and process.isdigit() and not _is_running(int(process)):
            with contextlib.suppress(OSError):  # another process may be at it
                if (beside / "old").is_dir() and not path.exists():
                    (beside / "old").rename(path)
                shutil.rmtree(beside)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # where there is no asking without ending it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
