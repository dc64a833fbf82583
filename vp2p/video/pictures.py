"""Clips that Pillow reads: folders of images, animated GIF, WebP and PNG, and single images."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageCms, ImageOps

from vp2p.errors import VideoError
from vp2p.video.sampling import Timeline

Convert = Callable[[Image.Image], np.ndarray]
# Found by content, not by the name's ending. Formats that would start another program are left out.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM")
_ANIMATED = ("GIF", "WEBP", "PNG", "TIFF")
_ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".ppm"}
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)

_LOSSY = {".jpg", ".jpeg"}
_MOST_NAMED = 5  # of what is left out

FOLDER_RATE = Fraction(8)
"""Frames a second of a folder of images, which says nothing about time itself."""


class FolderSource:
    """The images of a folder in natural order (img2 before img10), shown at ``FOLDER_RATE``."""

    codec = "images"
    audio = None

    def __init__(self, folder: Path, convert: Convert | None = None) -> None:
        self._convert = convert or to_rgb
        names = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=natural)
        self._paths = [path for path in names if path.is_file() and _is_image(path)]
        self.lossless = not any(path.suffix.lower() in _LOSSY for path in self._paths)
        self.notes = _left_out([path.name for path in names if path not in set(self._paths)])
        if not self._paths:
            raise VideoError(
                f"There are no images in the folder {folder}.", "give a video file, or a folder of PNG or JPEG files"
            )
        sizes: dict[tuple[int, int], Path] = {}
        for path in self._paths:
            sizes.setdefault(_upright_size(path), path)
        if len(sizes) > 1:
            (size, one), (other_size, other) = list(sizes.items())[:2]
            raise VideoError(
                f"{one.name} is {size[0]}x{size[1]}, but {other.name} is {other_size[0]}x{other_size[1]}.",
                f"make all the images in {folder} the same size",
            )
        self.size = next(iter(sizes))
        count = len(self._paths)
        self.timeline = Timeline(np.arange(count) / float(FOLDER_RATE), count / float(FOLDER_RATE), FOLDER_RATE)

    def decode(self, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Frames by index: uint8 RGB of shape (H, W, 3)."""
        return dict(self.each(indices))

    def each(self, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """The same one by one, in order."""
        return ((i, _read_image(self._paths[i], self._convert)) for i in sorted(set(indices)))


class AnimationSource:
    """An animated GIF, WebP or PNG; a single image counts as a clip of one frame."""

    audio = None

    def __init__(self, path: Path, convert: Convert | None = None) -> None:
        self._path, self._convert = path, convert or to_rgb
        with Image.open(path, formats=_FORMATS) as image:
            self.codec = str(image.format).lower()
            self.lossless = self.codec != "jpeg"
            self.notes = ("transparent parts are laid on black",) if image.has_transparency_data else ()
            durations = []
            for _ in _each_frame(image):
                # Browsers show frames of 10 ms or less for 100 ms, and so does this.
                shown = float(image.info.get("duration", 0) or 0)
                durations.append(shown / 1000 if shown > 10 else 0.1)
            if not durations:
                raise VideoError(f"{path} holds no frame that can be read.", "give another file, or export it again")
            self.size = image.size if len(durations) > 1 else ImageOps.exif_transpose(image).size
        ends = np.cumsum(durations)
        mean = Fraction(float(ends[-1]) / len(durations)).limit_denominator(100_000)
        self.timeline = Timeline(np.concatenate([[0.0], ends[:-1]]), float(ends[-1]), 1 / mean)

    def decode(self, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Frames by index: uint8 RGB of shape (H, W, 3)."""
        return dict(self.each(indices))

    def each(self, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """The same one by one, in order."""
        wanted = set(indices)
        with Image.open(self._path, formats=_FORMATS) as image:
            for index, _ in enumerate(_each_frame(image)):
                if index in wanted:
                    whole = image if len(self.timeline.times) > 1 else ImageOps.exif_transpose(image)
                    yield index, self._convert(whole)


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    """A note that names the entries of a folder that are no pictures."""
    if not names:
        return ()
    told = ", ".join(names[:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )
    return (f"left out of the folder, because they are no pictures: {told}",)


def is_picture(path: Path) -> bool:
    """Whether Pillow knows the file by its content."""
    try:
        with Image.open(path, formats=_FORMATS):
            return True
    except _UNREADABLE:
        return False


def read_picture(path: Path) -> np.ndarray:
    """One picture, uint8 RGB (H, W, 3); of an animation the first. Raises VideoError if it cannot be read."""
    return _read_image(path, to_rgb)


def _each_frame(image: Image.Image) -> Iterator[int]:
    """Seek and load frame after frame; a file cut short ends at its last whole frame."""
    index = 0
    while True:
        try:
            image.seek(index)
            image.load()
        except _UNREADABLE:
            return
        yield index
        index += 1
        if image.format not in _ANIMATED:
            return


def _is_image(path: Path) -> bool:
    if is_picture(path):
        return True
    if path.suffix.lower() in _ENDINGS:
        raise VideoError(f"{path} is not an image that can be read.", "remove the file from the folder, or repair it")
    return False


def natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """A key by which img2 comes before img10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part], path.name


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            yield image
    except _UNREADABLE as error:
        raise VideoError(f"{path} cannot be read: {error}.", "remove the file from the folder, or repair it") from error


def _upright_size(path: Path) -> tuple[int, int]:
    with _opened(path) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # the EXIF orientations that swap the sides
        return (image.height, image.width) if turned else image.size


def _read_image(path: Path, convert: Convert) -> np.ndarray:
    with _opened(path) as image:
        return convert(ImageOps.exif_transpose(image))


def to_rgb(image: Image.Image) -> np.ndarray:
    """uint8 sRGB; alpha is composited on black, 16-bit grey keeps its high byte, floats of 0 to 1 fill the range."""
    if image.mode.startswith("I"):
        grey = (np.clip(np.asarray(image, dtype=np.int64), 0, 65535) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        grey = np.clip(values * (255 if values.max(initial=0) <= 1 else 1), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return np.array(_in_srgb(Image.alpha_composite(black, image.convert("RGBA")).convert("RGB"), image))
    return np.array(_in_srgb(image if image.mode == "CMYK" else image.convert("RGB"), image))


def _in_srgb(picture: Image.Image, of: Image.Image) -> Image.Image:
    """``picture`` converted by the colour profile that its file holds, where it holds one of another space."""
    data = of.info.get("icc_profile")
    try:
        if data:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            if "sRGB" not in ImageCms.getProfileDescription(profile):
                found = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
                return found or picture
    except (ImageCms.PyCMSError, OSError, ValueError):  # a damaged profile, or one of another kind of picture
        pass
    return picture.convert("RGB")
