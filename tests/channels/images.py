"""Small pictures for letters."""

import base64
import io

from PIL import Image


def picture(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "#145a46").save(data, "PNG")
    return data.getvalue()


def picture_base64(width: int, height: int) -> str:
    return base64.b64encode(picture(width, height)).decode()
