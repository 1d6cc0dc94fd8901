"""A QR code as PDF operators: one bit a module, sharp at any size and a thirtieth of the bytes of drawn squares."""

import numpy as np
import zxingcpp
from numpy.typing import NDArray

QUIET_MODULES = 4  # the white margin that the standard asks for; whoever draws the code keeps it free


def qr_modules(text: str) -> NDArray[np.bool_]:
    """The square of modules, True where it is black, without its margin. Level M: 15 % may be dirt."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    dark: NDArray[np.bool_] = np.asarray(barcode.to_image(scale=1, add_quiet_zones=False)) == 0
    return dark


def qr_operators(text: str, x: float, y: float, side: float) -> str:
    """Paint the code in the present fill colour into the square at (x, y)."""
    dark = qr_modules(text)
    width = len(dark)
    bits = np.packbits(dark, axis=1).tobytes().hex()
    image = f"BI /IM true /W {width} /H {width} /BPC 1 /D [1 0] /F /AHx ID\n{bits}>\nEI"
    return f"q {side:.3f} 0 0 {side:.3f} {x:.3f} {y:.3f} cm\n{image} Q"
