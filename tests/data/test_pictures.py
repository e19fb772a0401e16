"""Pictures and captions: every way they come, and what is said of broken ones."""

import json
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from real import real

from elman.data import open_picture, pictures, read_captioned, read_captions, read_pictures

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture
def folder(tmp_path):
    """Three pictures of one colour, 4 high and 6 wide."""
    (tmp_path / "images").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (6, 4), colour).save(tmp_path / "images" / f"{name}.png")
    return tmp_path / "images"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def zipped(folder):
    path = folder.with_name("images.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"pictures/{file.name}")
    return path


def test_a_folder_and_a_zip_give_the_same_pictures(folder):
    for found in (read_pictures(folder), read_pictures(zipped(folder))):
        assert [name.split("/")[-1] for name in found.names] == ["blue.png", "green.png", "red.png"]
        assert [array.shape for array in found] == [(4, 6, 3)] * 3
        assert [tuple(array[0, 0]) for array in found] == [
            COLOURS[c] for c in ("blue", "green", "red")
        ]
        assert tuple(found[-1][3, 5]) == COLOURS["red"]
        assert tuple(found[1:][0][0, 0]) == COLOURS["green"]


def test_pictures_come_in_one_size_and_survive_a_pickle(folder):
    found = read_pictures(zipped(folder), size=(3, 2))
    assert np.stack(list(found)).shape == (3, 3, 2, 3)
    assert (pickle.loads(pickle.dumps(found))[2] == found[2]).all()


def test_what_is_transparent_is_white_and_rotation_is_undone(tmp_path):
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (open_picture(tmp_path / "a.png") == 255).all()
    turned = Image.new("RGB", (6, 4))
    exif = turned.getexif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    turned.save(tmp_path / "b.jpg", exif=exif)
    assert open_picture(tmp_path / "b.jpg").shape == (6, 4, 3)


def test_flickr8ks_captions_are_gathered_by_picture(folder):
    text = 'image,caption\nred.png,A red one\nblue.png,"Blue, or so"\nred.png,Red again\n'
    read = read_captioned(write(folder.with_name("captions.txt"), text), folder)
    assert read.captions == [["A red one", "Red again"], ["Blue, or so"]]
    assert [tuple(picture[0, 0]) for picture, _ in read] == [COLOURS["red"], COLOURS["blue"]]


def test_flickr8ks_token_file(folder):
    path = write(folder / "Flickr8k.token.txt", "red.png#0\tA red .\nred.png#1\tRed .\n")
    assert read_captioned(path).captions == [["A red .", "Red ."]]


def test_tsv_with_named_columns_keeps_the_other_columns(folder):
    text = "file\tcaption_ko\tgroup\nred.png\t빨강\t1\nblue.png\t파랑\t2\n"
    path = write(folder.with_name("captions.tsv"), text)
    with pytest.raises(ValueError, match=r"called caption, .* got file, caption_ko, group"):
        read_captions(path)
    read = read_captioned(path, zipped(folder), caption_column="caption_ko")
    assert read.captions == [["빨강"], ["파랑"]]
    assert read.columns == {"group": ["1", "2"]}
    assert read.select([1]).columns == {"group": ["2"]}
    assert tuple(read.select([1]).pictures[0][0, 0]) == COLOURS["blue"]


def test_cocos_json(folder):
    coco = {
        "images": [{"id": 7, "file_name": "red.png"}, {"id": 9, "file_name": "blue.png"}],
        "annotations": [
            {"id": 1, "image_id": 9, "caption": "Blue. "},
            {"id": 2, "image_id": 7, "caption": "Red."},
            {"id": 3, "image_id": 9, "caption": "So blue."},
        ],
    }
    path = write(folder.with_name("captions_train.json"), json.dumps(coco))
    assert read_captioned(path, folder).captions == [["Blue.", "So blue."], ["Red."]]
    coco["annotations"][1]["image_id"] = 8
    with pytest.raises(ValueError, match="image_id of an image, got one without: 8"):
        read_captions(write(path, json.dumps(coco)))
    with pytest.raises(ValueError, match="keys images and annotations, got info"):
        read_captions(write(path, '{"info": {}}'))
    with pytest.raises(ValueError, match="must be JSON, got an error"):
        read_captions(write(path, '{"images": '))


def test_a_caption_without_picture_is_told_or_skipped(folder):
    text = "image,caption\nred.png,Red\npink.png,Pink\nblue.png,\nred.png\n"
    path = write(folder.with_name("captions.csv"), text)
    read = read_captioned(path, folder, skip_bad=True)
    assert (len(read), read.skipped) == (1, 3)
    for said, line in zip(read.skipped_lines, ("line 5", "line 3", "line 4"), strict=True):
        assert line in said
    write(path, text.removesuffix("red.png\n"))
    with pytest.raises(ValueError, match=r"line 3: 'pink.png' must have its picture"):
        read_captioned(path, folder)
    with pytest.raises(ValueError, match=r"'names' and a column 'says', got image, caption; say"):
        read_captions(path, image_column="names", caption_column="says")


def coco(image, *annotations):
    return json.dumps({"images": [image], "annotations": annotations})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "be JSON"),
        ('{"images": 1' + "0" * 5_000 + ', "annotations": []}', "be JSON"),
        (coco({"id": 1, "file_name": 2}, {"image_id": 1, "caption": "a"}), "no text"),
        (coco({"id": 1, "file_name": "a"}, {"image_id": 1, "caption": 3}), "no text"),
        (coco({"id": [], "file_name": "a"}), "give each image id"),
        (coco(3), "give each image id"),
    ],
    ids=["deep", "long-number", "name", "caption", "id", "image"],
)
def test_json_that_is_not_cocos_is_told(text, words, tmp_path):
    with pytest.raises(ValueError, match=rf"captions\.json must .*{words}"):
        read_captions(write(tmp_path / "captions.json", text))


@pytest.mark.parametrize("content", [b"", b"no picture", "cut"], ids=["empty", "text", "cut"])
def test_a_picture_that_does_not_open_is_told_or_skipped(content, folder):
    whole = (folder / "red.png").read_bytes()
    (folder / "red.png").write_bytes(whole[:50] if content == "cut" else content)
    with pytest.raises(ValueError, match=r"red\.png must be a picture that Pillow opens"):
        open_picture(folder / "red.png")
    path = write(folder.with_name("captions.csv"), "image,caption\nred.png,Red\nblue.png,Blue\n")
    read = read_captioned(path, zipped(folder), skip_bad=True)
    assert (read.captions, read.skipped) == ([["Blue"]], 1)
    assert "images.zip/pictures/red.png must be a picture" in read.skipped_lines[0]


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
_started = []
sys.addaudithook(
    lambda name, _: (
        name in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork")
        and _started.append(name)
    )
)


@pytest.mark.parametrize("name", ["red.png", "red.jpg", "red.tif"])
def test_what_is_called_a_picture_and_is_postscript_starts_no_ghostscript(name, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, POSTSCRIPT)
    (tmp_path / name).write_bytes(POSTSCRIPT)
    before = len(_started)
    for attempt in (
        lambda: open_picture(tmp_path / name),
        lambda: read_pictures(tmp_path)[0],
        lambda: read_pictures(tmp_path / "a.zip")[0],
    ):
        with pytest.raises(ValueError, match=rf"{name} must be a picture that Pillow opens \(PNG"):
            attempt()
    assert len(_started) == before


@pytest.mark.parametrize("form", ["PCX", "TGA", "SGI", "ICO", "EPS"])
def test_only_the_forms_that_are_told_are_opened(form, tmp_path):
    Image.new("RGB", (16, 16), "red").save(tmp_path / "a.png", form)
    with pytest.raises(ValueError, match="must be a picture that Pillow opens"):
        open_picture(tmp_path / "a.png")


@pytest.mark.parametrize("form", [*pictures.FORMATS, "MPO"])  # a camera's JPEG may be an MPO
def test_each_form_is_opened_whatever_the_name(form, tmp_path):
    Image.new("RGB", (16, 16), "white").save(tmp_path / "a.png", form)
    assert (open_picture(tmp_path / "a.png") == 255).all()


def test_a_pipe_is_no_picture(folder):
    os.mkfifo(folder / "pipe.png")
    assert len(read_pictures(folder)) == 3


def test_a_damaged_zip_of_pictures_is_told(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(range(256)) * 9)
    data = bytearray(path.read_bytes())
    data[40:60] = b"\xff" * 20
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.zip/a\.png must be a whole file"):
        read_pictures(path)[0]


def test_bombs_are_refused(folder, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 20)
    with pytest.raises(ValueError, match="at most 20 pixels, got 6 by 4"):
        open_picture(folder / "red.png")
    monkeypatch.setattr(pictures, "MAX_BYTES", 20)
    with pytest.raises(ValueError, match="must be under 20 bytes unpacked"):
        read_pictures(zipped(folder))[0]


def test_nothing_found_is_told(folder, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="must hold pictures"):
        read_pictures(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="there is no folder or file"):
        read_pictures(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        open_picture(tmp_path / "nowhere.png")


def test_real_captions_in_two_languages():
    captions, zips = real("emoji_captions/captions.tsv.gz"), real("emoji_captions/emoji64_base.zip")
    everything = [zips, zips.with_name("emoji64_skin_tones.zip")]
    read = read_captioned(captions, everything, caption_column="caption_ko")
    assert len(read) == 3_490
    assert read.captions[0] == ["활짝 웃는 얼굴"]
    assert read.columns["skin_tone"].count("0") == 1_910
    assert read.pictures[3_489].shape == (64, 64, 3)
