"""Images of files that are not plain: shown as people see them, or refused in a line that names split and path."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from pathattr.dataset.external import seen

from .helpers import refused
from .test_boxes import annotation
from .test_external import reopened

GREY = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)
COLOUR = np.random.default_rng(0).integers(0, 256, (10, 14, 3), dtype=np.uint8)  # (H, W, 3)
SHOWN = {  # EXIF's orientation -> what is shown of the stored rows and columns, as its standard words it
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],  # row 0 is the top, column 0 the right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.swapaxes(0, 1),  # row 0 is the left, column 0 the top
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],  # right, top
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
    8: lambda stored: stored.swapaxes(0, 1)[::-1],  # left, bottom
}


def encoded(image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(number: int):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


@pytest.fixture
def shown(tmp_path):
    """Bytes of a file, its name -> its pixels as a job reads them."""

    def pixels(content: bytes, name: str = "a.png", size: int = 16, **options) -> np.ndarray:
        for split in ("train", "val"):
            (tmp_path / split / "cat").mkdir(parents=True, exist_ok=True)
            (tmp_path / split / "cat" / name).write_bytes(content)
        entry = {"dataset": "imagefolder", "root": str(tmp_path), "size": size, "channels": 1} | options
        return reopened(entry, "test", tmp_path).pixels(0)

    return pixels


@pytest.mark.parametrize("kind, name", [("png", "a.png"), ("tiff", "a.tif")])
def test_16_bits_of_grey_are_scaled_not_clipped(shown, kind, name):
    deep = GREY.astype(np.uint16) * 257
    assert np.array_equal(shown(encoded(deep, kind), name)[0], GREY)
    assert np.array_equal(shown(encoded(deep, kind), name, channels=3), np.stack([GREY] * 3))
    near = np.clip(deep.astype(int) + 120, 0, 65535).astype(np.uint16)  # less than half a step of 8 bits
    assert np.array_equal(shown(encoded(near, kind), name)[0], GREY)


def test_16_bits_of_grey_in_a_portable_map_are_scaled(shown):
    content = b"P5 16 16 65535\n" + (GREY.astype(">u2") * 257).astype(">u2").tobytes()
    assert np.array_equal(shown(content, "a.ppm")[0], GREY)


def test_transparent_grey_of_16_bits_is_white(shown):
    chunk = b"tRNS" + struct.pack(">H", 3 * 257)
    content = encoded(GREY.astype(np.uint16) * 257, "png")
    at = content.index(b"IDAT") - 4
    content = content[:at] + struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[at:]
    assert np.array_equal(shown(content)[0], np.where(GREY == 3, 255, GREY))


def test_fractions_from_0_to_1_are_scaled(shown):
    assert np.array_equal(shown(encoded(GREY.astype(np.float32) / 255, "tiff"), "a.tif")[0], GREY)


@pytest.mark.parametrize(
    "pixels, words",
    [
        (GREY.astype(np.float32), "pixels from 0 to 255; accepted: from 0 to 1"),
        (GREY.astype(np.float32) / 255 - 0.1, "pixels from -0.1 to 0.9; accepted: from 0 to 1"),
        (np.full((16, 16), np.nan, np.float32), "pixels from nan to nan; accepted: from 0 to 1"),
        (GREY.astype(np.int32), "whole numbers of 32 bits; accepted: of 8 or 16 bits"),
    ],
    ids=["0 to 255", "below 0", "nan", "32 bits"],
)
def test_a_range_that_nothing_tells_is_refused(shown, tmp_path, pixels, words):
    with refused(f"test image {tmp_path / 'val/cat/a.tif'}: {words}"):
        shown(encoded(pixels, "tiff"), "a.tif")


@pytest.mark.parametrize("number", SHOWN)
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_images_stand_upright(shown, number, kind):
    """Lossless formats; 14 x 10 pixels, or 10 x 14 where the turn swaps the sides."""
    expected = Image.fromarray(SHOWN[number](COLOUR)).resize((16, 16), Image.Resampling.BILINEAR)
    content = encoded(COLOUR, kind, exif=oriented(number), **({"lossless": True} if kind == "webp" else {}))
    assert np.array_equal(shown(content, f"a.{kind}", channels=3), np.asarray(expected).transpose(2, 0, 1))


@pytest.mark.parametrize("number", SHOWN)
def test_a_turned_photograph_and_its_boxes_agree(shown, tmp_path, number):
    """A white box in a black JPEG, by half its brightness, is the box that was drawn on the stored pixels."""
    stored = np.zeros((40, 64), np.uint8)
    stored[8:16, 8:40] = 255
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes/a.xml").write_text(annotation(("cat", 9, 9, 40, 16), size=(64, 40)))
    content = encoded(stored, "jpeg", quality=100, exif=oriented(number))
    pixels = shown(content, "a.jpg", size=32, boxes=str(tmp_path / "boxes"))
    entry = {"dataset": "imagefolder", "root": str(tmp_path), "size": 32, "boxes": str(tmp_path / "boxes")}
    box = reopened(entry, "test", tmp_path).box(0)
    expected = Image.fromarray(SHOWN[number](stored)).resize((32, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(box, np.asarray(expected) >= 128) and np.array_equal(box, pixels[0] >= 128)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"]
)
def test_broken_exif_data_is_passed_over(shown, exif):
    plain = shown(encoded(GREY, "jpeg", quality=100), "a.jpg")
    assert np.array_equal(shown(encoded(GREY, "jpeg", quality=100, exif=exif), "a.jpg"), plain)


def test_what_is_transparent_lies_on_white(shown):
    """Red, of all alphas: nothing of it is left at 0, all of it at 255."""
    alpha = GREY
    red = np.dstack([np.full_like(alpha, 255), np.zeros_like(alpha), np.zeros_like(alpha), alpha])
    pixels = shown(encoded(red, "png"), channels=3).astype(int)
    assert (pixels[0] == 255).all() and np.abs(pixels[1:] - (255 - alpha.astype(int))).max() <= 1
    assert pixels[1].flat[0] == 255 and pixels[1].flat[-1] == 0


def test_transparent_grey_and_palettes_lie_on_white(shown):
    hidden = np.where(GREY < 128, 0, 255).astype(np.uint8)
    expected = np.where(GREY < 128, 255, 40)
    grey = Image.merge("LA", [Image.fromarray(np.full_like(GREY, 40)), Image.fromarray(hidden)])
    assert np.array_equal(shown(encoded(grey, "png"))[0], expected)
    palette = Image.fromarray((GREY >= 128).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 40, 40, 40])
    assert np.array_equal(shown(encoded(palette, "png", transparency=0))[0], expected)
    assert np.array_equal(shown(encoded(palette, "png", transparency=b"\x00\xff"))[0], expected)
    assert np.array_equal(shown(encoded(palette, "gif", transparency=0), "a.gif")[0], expected)
    keyed = Image.fromarray(np.where(GREY < 128, 7, 40).astype(np.uint8))
    assert np.array_equal(shown(encoded(keyed, "png", transparency=7))[0], expected)


def test_opaque_images_are_as_they_were():
    for mode in ("L", "RGB"):
        image = Image.fromarray(COLOUR).convert(mode)
        assert seen(image) is image
    for mode in ("CMYK", "YCbCr", "HSV", "1", "P"):
        assert np.array_equal(seen(Image.fromarray(COLOUR).convert(mode)), Image.fromarray(COLOUR).convert(mode).convert("RGB"))


def test_of_several_pictures_the_first_is_shown(shown):
    first, second = (Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (30, 200))
    for kind in ("gif", "webp", "png"):
        options = {"lossless": True} if kind == "webp" else {}
        pixels = shown(encoded(first, kind, save_all=True, append_images=[second], **options), f"a.{kind}")
        assert (pixels == 30).all()


@pytest.mark.parametrize("shape", [(1, 1), (7, 100), (100, 7)], ids=str)
def test_an_image_too_small_to_show_anything_is_refused(shown, tmp_path, shape):
    words = f"{shape[1]} x {shape[0]} pixels; accepted: at least 8 on the shorter side"
    with refused(f"test image {tmp_path / 'val/cat/a.png'}: {words}"):
        shown(encoded(np.zeros(shape, np.uint8), "png"))
    assert shown(encoded(np.zeros((8, 8), np.uint8), "png")).shape == (1, 16, 16)


def test_400_megapixels_are_refused_undecoded(shown, tmp_path, monkeypatch):
    header = b"IHDR" + struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"")
    chunks = (struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (header, body, b"IEND"))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    def decoded(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with refused(f"test image {tmp_path / 'val/cat/a.png'}: cannot be read (", "400000000 pixels"):
        shown(content)


KINDS = {"jpg": "jpeg", "png": "png", "bmp": "bmp", "webp": "webp", "ppm": "ppm", "gif": "gif", "tif": "tiff"}


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("ending", KINDS)
def test_a_cut_off_image_is_refused(shown, tmp_path, ending, share):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(noise, KINDS[ending])
    with refused(f"test image {tmp_path / 'val/cat'}/a.{ending}: cannot be read ("):
        shown(content[: int(len(content) * share)], f"a.{ending}", channels=3)


@pytest.mark.parametrize(
    "error", [SyntaxError("broken PNG file"), struct.error("4 bytes"), EOFError(), ValueError("a\nb")], ids=repr
)
def test_whatever_a_decoder_raises_is_one_line(shown, tmp_path, monkeypatch, error):
    def broken(*_):
        raise error

    monkeypatch.setattr(Image, "open", broken)
    with refused(f"test image {tmp_path / 'val/cat/a.png'}: cannot be read ("):
        shown(b"")
