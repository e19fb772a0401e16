"""Pictures in folders and archives, and the captions that go with them."""

import io
import json
import math
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from elman.data.files import (
    BadLine,
    Skipped,
    TextFile,
    chosen_columns,
    listed,
    members,
    needed,
    normalised,
    unpacking,
)
from elman.data.tables import read_table

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
# What those hold. Pillow reads more, and hands PostScript to Ghostscript, whatever its name is.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 1 << 26  # a picture with more is refused unopened
MAX_BYTES = 1 << 28
IMAGE_COLUMNS = (
    "image", "file_name", "filename", "file", "picture", "path", "이미지", "그림", "사진",
)  # fmt: skip
CAPTION_COLUMNS = ("caption", "text", "comment", "description", "sentence", "캡션", "설명")


class Pictures:
    """Pictures by number, opened when asked for: uint8 arrays [height, width, 3].

    What is transparent becomes white; a camera's rotation is undone.

    Arguments:
        places: where each picture is, a file and, in an archive, its member.
        names: what each picture is called.
        size: (height, width) to bring all of them to; None leaves each as it is.
    """

    def __init__(
        self,
        places: Sequence[tuple[Path, str | None]],
        names: Sequence[str],
        size: tuple[int, int] | None = None,
    ):
        self.places, self.names, self.size = list(places), list(names), size
        self._archives: dict[Path, zipfile.ZipFile] = {}

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> np.ndarray:
        if isinstance(i, slice):
            return self.select(range(*i.indices(len(self))))
        file, member = self.places[i]
        name = f"{file}/{member}" if member else str(file)
        return _opened(self._bytes(file, member), name, self.size)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Pictures({len(self)}: {listed(self.names, 2)})"

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_archives": {}}

    def select(self, indices: Iterable[int]) -> "Pictures":
        """Return the pictures with these numbers, in that order."""
        chosen = [int(i) for i in indices]
        return Pictures(
            [self.places[i] for i in chosen], [self.names[i] for i in chosen], self.size
        )

    def _bytes(self, file: Path, member: str | None) -> io.BytesIO | Path:
        if member is None:
            return file
        if file not in self._archives:
            self._archives[file] = zipfile.ZipFile(file)
        archive = self._archives[file]
        if archive.getinfo(member).file_size > MAX_BYTES:
            raise ValueError(
                f"{file}/{member} must be under {MAX_BYTES:,} bytes unpacked; leave it"
            )
        with unpacking(f"{file}/{member}"):
            return io.BytesIO(archive.read(member))


class Captioned:
    """Pictures with one or more captions each.

    Attributes:
        pictures: a `Pictures`, one for each row.
        captions: a list of captions for each.
        columns: further columns of the captions file, as lists: the first line of each picture
            counts.
        skipped, skipped_lines: how many lines or pictures were left out, and why, for a few.
    """

    def __init__(
        self,
        pictures: Pictures,
        captions: list[list[str]],
        columns: dict[str, list[str]] | None = None,
        skipped: Skipped | None = None,
    ):
        self.pictures, self.captions, self.columns = pictures, captions, columns or {}
        skipped = skipped or Skipped()
        self.skipped, self.skipped_lines = skipped.count, skipped.first

    def __len__(self) -> int:
        return len(self.captions)

    def __iter__(self) -> Iterator[tuple[np.ndarray, list[str]]]:
        return zip(self.pictures, self.captions, strict=True)

    def __repr__(self) -> str:
        return f"Captioned({len(self)} pictures, {sum(map(len, self.captions))} captions)"

    def select(self, indices: Iterable[int]) -> "Captioned":
        """Return the pictures with these numbers and their captions, in that order."""
        chosen = [int(i) for i in indices]
        columns = {name: [cells[i] for i in chosen] for name, cells in self.columns.items()}
        return Captioned(self.pictures.select(chosen), [self.captions[i] for i in chosen], columns)


def read_pictures(
    path: str | os.PathLike | Sequence[str | os.PathLike], size: tuple[int, int] | None = None
) -> Pictures:
    """Find the pictures of folders, of zips, or of single files, sorted by name within each.

    They are called by their path within the folder or zip. Nothing is unpacked to disk.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: no picture in it.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else path
    found = [place for one in paths for place in _places(Path(one))]
    if not found:
        raise ValueError(
            f"{', '.join(map(str, paths))} must hold pictures ({', '.join(ENDINGS)}), got none"
        )
    return Pictures([place for _, place in found], [name for name, _ in found], size)


def read_captions(
    path: str | os.PathLike,
    *,
    image_column: str | None = None,
    caption_column: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    form: str | None = "NFC",
    skip_bad: bool = False,
) -> list[dict[str, str]]:
    """Read a captions file: a table (`read_table`) or COCO's JSON, a row for each caption.

    Each row has "image" and "caption" and the other columns of a table. ``#0``, ``#1``, ... after
    the name of a picture, as Flickr8k's token file has it, are left out.

    Arguments:
        image_column, caption_column: by default the first that is there of `IMAGE_COLUMNS` and of
            `CAPTION_COLUMNS`; without a header the first and the second column.
        header, encoding, form, skip_bad: as for `read_table`.
    """
    settings = (image_column, caption_column, header, encoding, form)
    return [row for _, row in _captions(path, Skipped(skip_bad), *settings)]


def _captions(
    path: str | os.PathLike,
    skipped: Skipped,
    image_column: str | None = None,
    caption_column: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    form: str | None = "NFC",
) -> list[tuple[str, dict[str, str]]]:
    """Where each caption stands in its file, "line 7", and its row."""
    coco = _coco(TextFile(path, encoding, form))
    if coco is not None:
        return [(f"annotation {number}", row) for number, row in enumerate(coco, 1)]
    table = read_table(
        path,
        header=header,
        wanted=[image_column, caption_column],
        encoding=encoding,
        form=form,
        skip_bad=skipped.skip,
    )
    named = {
        "image_column (--text-column)": image_column,
        "caption_column (--label-column)": caption_column,
    }
    usual = (IMAGE_COLUMNS, CAPTION_COLUMNS) if table.header else (("1",), ("2",))
    image, caption = chosen_columns(named, usual, table.columns, table.name, table.hint)
    rows = []
    for number, cells in table.numbered():
        row = dict(zip(table.columns, cells, strict=True))
        name = re.sub(r"#\d+$", "", row.pop(image).strip())
        about = {"image": name, "caption": row.pop(caption).strip()}
        rows.append((f"line {number}", row | about))
    skipped.count, skipped.first = table.skipped, table.skipped_lines
    return rows


def read_captioned(
    captions: str | os.PathLike,
    pictures: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    *,
    size: tuple[int, int] | None = None,
    skip_bad: bool = False,
    **settings,
) -> Captioned:
    """Put captions and pictures together; the captions of a picture become one list.

    Arguments:
        captions: the captions file, see `read_captions`, which takes the ``settings``.
        pictures: a folder or zip, or several; None is the folder of the captions file.
        size: (height, width) to bring the pictures to.
        skip_bad: leave out rows without their picture, and pictures that do not open. To find
            those, each picture is opened once.

    Raises:
        ValueError: a row whose picture is not there, or a row without a caption.
    """
    captions = Path(captions)
    skipped = Skipped(skip_bad)
    rows = _captions(captions, skipped, **settings)
    found = read_pictures(captions.parent if pictures is None else pictures, size)
    number = _by_name(found.names)
    grouped: dict[int, list[dict[str, str]]] = {}
    for where, row in rows:
        i = number.get(row["image"], number.get(Path(row["image"]).name))
        if i is None or not row["caption"]:
            what = "a caption" if i is not None else "its picture among those given"
            what = f"{row['image']!r} must have {what}, got none; add it"
            skipped.add(BadLine(f"{captions}, {where}: {what}"))
        else:
            grouped.setdefault(i, []).append(row)
    if skip_bad:
        grouped = {i: rows for i, rows in grouped.items() if _opens(found, i, skipped)}
    if not grouped:
        raise ValueError(f"{captions} must name at least one picture that is there, got none")
    others = [name for name in rows[0][1] if name not in ("image", "caption")]
    columns = {name: [rows[0][name] for rows in grouped.values()] for name in others}
    texts = [[row["caption"] for row in rows] for rows in grouped.values()]
    return Captioned(found.select(grouped), texts, columns, skipped)


def open_picture(path: str | os.PathLike, size: tuple[int, int] | None = None) -> np.ndarray:
    """Open one picture as a uint8 array [height, width, 3]; see `Pictures`.

    Raises:
        ValueError: a file that is no picture, or one with too many pixels.
    """
    return _opened(Path(path), str(path), size)


def _opened(source: io.BytesIO | Path, name: str, size: tuple[int, int] | None) -> np.ndarray:
    image = needed("PIL.Image")
    turned = needed("PIL.ImageOps").exif_transpose
    try:
        with image.open(source, formats=FORMATS) as picture:
            size_there = picture.size
            if small := math.prod(size_there) <= MAX_PIXELS:
                picture = turned(picture).convert("RGBA")
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # over a damaged picture Pillow raises nearly any
        why = str(error) or type(error).__name__
        raise ValueError(
            f"{name} must be a picture that Pillow opens ({', '.join(FORMATS)}), got one that does "
            f"not ({why}); save it again as PNG or JPEG, or leave it out"
        ) from error
    if not small:
        width, height = size_there
        raise ValueError(
            f"{name} must have at most {MAX_PIXELS:,} pixels, got {width} by {height}; make it "
            "smaller"
        )
    white = image.new("RGBA", picture.size, "white")
    picture = image.alpha_composite(white, picture).convert("RGB")
    if size is not None:
        picture = picture.resize((size[1], size[0]), image.Resampling.BILINEAR)
    return np.asarray(picture)


def _opens(pictures: Pictures, i: int, skipped: Skipped) -> bool:
    try:
        pictures[i]
    except ValueError as error:
        skipped.add(error)
        return False
    return True


def _places(path: Path) -> list[tuple[str, tuple[Path, str | None]]]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_picture(file))
        return [(file.relative_to(path).as_posix(), (file, None)) for file in files]
    if not path.is_file():
        raise FileNotFoundError(f"there is no folder or file {path}; name one with pictures")
    if zipfile.is_zipfile(path):
        names = sorted(name for name in members(path) if name.lower().endswith(ENDINGS))
        return [(name, (path, name)) for name in names]
    return [(path.name, (path, None))]


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and file.is_file()  # no pipe, which would never end


def _by_name(names: Sequence[str]) -> dict[str, int]:
    """The number of each picture by its path, and by its name alone where that is enough."""
    short: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        short.setdefault(Path(name).name, []).append(i)
    alone = {name: numbers[0] for name, numbers in short.items() if len(numbers) == 1}
    return {**alone, **{name: i for i, name in enumerate(names)}}


def _coco(file: TextFile) -> list[dict[str, str]] | None:
    """Rows of a file in COCO's format: lists of images and of annotations; None if it is not."""
    if ".json" not in file.path.name.lower() or ".jsonl" in file.path.name.lower():
        return None
    text = "".join(line for _, line in file.lines())
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} must be JSON, got an error: {error}; mend it") from error
    if not isinstance(whole, dict) or not {"images", "annotations"} <= {*whole}:
        got = listed([*whole]) if isinstance(whole, dict) else f"a {type(whole).__name__}"
        raise ValueError(
            f"{file} must be COCO's JSON with the keys images and annotations, got {got}; "
            "or write a table with the columns image and caption"
        )
    try:
        names = {image["id"]: image["file_name"] for image in whole["images"]}
        notes = [(names[note["image_id"]], note["caption"]) for note in whole["annotations"]]
        if not all(isinstance(written, str) for note in notes for written in note):
            raise TypeError("a file_name or caption that is no text")
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{file} must give each image id and file_name, and each annotation caption and the "
            f"image_id of an image, got one without: {error}; mend it"
        ) from error
    return [
        {"image": name, "caption": normalised(caption.strip(), file.form)}
        for name, caption in notes
    ]
