"""Folders of pictures, made with Pillow."""

import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from scratchwork.data.images import read_image_folder
from scratchwork.errors import ConfigurationError, DataError, FileFormatError, MissingDependencyError, MissingFileError


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path, **options)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.fixture
def animals(tmp_path):
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (4, 6, 3)) for name in ("dogs/b.png", "dogs/a.bmp", "cats/1.png")}
    for name, picture in pictures.items():
        save(tmp_path / "animals" / name, picture)
    (tmp_path / "animals" / "notes.txt").write_text("not an image")
    (tmp_path / "animals" / "dogs" / "notes.txt").write_text("not an image")
    (tmp_path / "animals" / ".hidden").mkdir()
    return tmp_path / "animals", pictures


def test_folders_are_classes_in_sorted_order(animals):
    folder, pictures = animals
    data = read_image_folder(folder)
    assert data.labels == ("cats", "dogs")
    assert data.y.tolist() == [0, 1, 1]
    assert data.image_shape == (4, 6, 3)
    assert data.x.dtype == np.float32
    expected = [pictures["cats/1.png"], pictures["dogs/a.bmp"], pictures["dogs/b.png"]]
    assert np.array_equal(data.x, np.reshape(expected, (3, -1)))


def test_grey_images_have_one_value_a_pixel(tmp_path):
    save(tmp_path / "a" / "1.png", [[0, 50], [100, 255]])
    save(tmp_path / "b" / "1.pgm", [[1, 2], [3, 4]])
    data = read_image_folder(tmp_path)
    assert data.image_shape == (2, 2)
    assert data.x.tolist() == [[0, 50, 100, 255], [1, 2, 3, 4]]
    assert read_image_folder(tmp_path, grayscale=False).x[1].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_colours_to_grey_and_transparency(tmp_path):
    save(tmp_path / "a" / "1.png", [[[255, 0, 0], [255, 255, 255]]])
    save(tmp_path / "b" / "1.png", [[[10, 20, 30, 0], [1, 2, 3, 255]]])
    data = read_image_folder(tmp_path)
    assert data.x[1].tolist() == [10, 20, 30, 1, 2, 3]
    grey = read_image_folder(tmp_path, grayscale=True)
    assert grey.image_shape == (1, 2)
    assert grey.x[0].tolist() == [76, 255]


def test_images_of_several_sizes_need_one(tmp_path):
    save(tmp_path / "a" / "1.png", np.full((4, 4), 80))
    save(tmp_path / "a" / "2.png", np.full((8, 2), 40))
    with pytest.raises(DataError, match=r"2.png has 8×2 pixels and 1.png 4×4: give resize"):
        read_image_folder(tmp_path)
    data = read_image_folder(tmp_path, resize=(2, 3))
    assert data.image_shape == (2, 3)
    assert data.x.tolist() == [[80.0] * 6, [40.0] * 6]


def test_a_picture_taken_on_its_side_is_put_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a" / "1.png", [[10, 20, 30]], exif=exif)
    data = read_image_folder(tmp_path)
    assert data.image_shape == (3, 1)
    assert data.x.tolist() == [[10, 20, 30]]


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", png_header(4, 6), b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_a_broken_image_is_named(animals, content):
    folder, _ = animals
    (folder / "cats" / "broken.png").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"broken\.png is a broken image, or none"):
        read_image_folder(folder, resize=(4, 6))


def test_formats_beyond_the_list_are_not_even_tried(tmp_path):
    save(tmp_path / "a" / "1.pcx", [[1, 2], [3, 4]])
    (tmp_path / "a" / "1.pcx").rename(tmp_path / "a" / "1.png")
    with pytest.raises(FileFormatError, match=r"1\.png is a broken image, or none"):
        read_image_folder(tmp_path)


def test_a_cut_image_is_named(animals):
    folder, _ = animals
    path = folder / "dogs" / "b.png"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileFormatError, match=r"b\.png is a broken image"):
        read_image_folder(folder)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "bomb.png").write_bytes(png_header(20_000, 20_000))
    with pytest.raises(FileFormatError, match=r"bomb\.png"):
        read_image_folder(tmp_path, resize=(8, 8))
    (tmp_path / "a" / "bomb.png").write_bytes(png_header(8_000, 8_000))
    with pytest.raises(FileFormatError, match=r"8,000×8,000 pixels; at most 50,000,000"):
        read_image_folder(tmp_path, resize=(8, 8))


def test_images_with_16_bits_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((2, 2), 60_000, np.uint16)).save(tmp_path / "a" / "deep.png")
    with pytest.raises(FileFormatError, match="more than 8 bits a value"):
        read_image_folder(tmp_path)


def test_too_much_for_the_memory(animals, monkeypatch):
    monkeypatch.setattr("scratchwork.data.images.MAX_BYTES", 100)
    with pytest.raises(DataError, match="resize them"):
        read_image_folder(animals[0])


def test_folders_that_are_none(tmp_path):
    with pytest.raises(MissingFileError, match="there is no folder"):
        read_image_folder(tmp_path / "none")
    with pytest.raises(MissingFileError, match="holds no folder with images"):
        read_image_folder(tmp_path)
    save(tmp_path / "a" / "1.png", [[1]])
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match=r"b holds no image .* is a class"):
        read_image_folder(tmp_path)
    with pytest.raises(FileFormatError, match="is a file"):
        read_image_folder(tmp_path / "a" / "1.png")


@pytest.mark.parametrize("resize", [(0, 3), (3,), (3, 3.5), (1, 10**6), 28, "28x28"])
def test_a_size_that_is_none(animals, resize):
    with pytest.raises(ConfigurationError, match="resize is the height and width"):
        read_image_folder(animals[0], resize=resize)


def test_without_pillow_the_error_says_how_to_get_it(animals, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'scratchwork\[data\]'"):
        read_image_folder(animals[0])
