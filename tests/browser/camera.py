"""What the browser's fake camera shows: MJPEG files of pictures that stay still."""

from io import BytesIO
from pathlib import Path

from PIL import Image

# NASA's portrait of the astronaut Eileen Collins; tests/fixtures/faces/make.py says more.
PORTRAIT = Path(__file__).parents[1] / "fixtures/faces/portrait.jpg"
SIZE = (640, 480)
GRAY = (150, 152, 155)


def face(side=400):
    """One face in the middle."""
    picture = Image.new("RGB", SIZE, GRAY)
    portrait = Image.open(PORTRAIT).convert("RGB").resize((side, side))
    picture.paste(portrait, ((SIZE[0] - side) // 2, SIZE[1] - side))
    return picture


def two_faces():
    """The same face twice."""
    picture = Image.new("RGB", SIZE, GRAY)
    portrait = Image.open(PORTRAIT).convert("RGB").resize((300, 300))
    picture.paste(portrait, (10, 100))
    picture.paste(portrait, (330, 100))
    return picture


def nobody():
    """A gray wall."""
    return Image.new("RGB", SIZE, GRAY)


def night():
    """Almost black."""
    return Image.new("RGB", SIZE, (6, 6, 8))


def write(picture, path):
    """Write a second of the picture as MJPEG: JPEG files one after another."""
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=92)
    path.write_bytes(jpeg.getvalue() * 10)
    return path
