"""The brand's colour, made readable on pages."""

from channels.brand import Brand
from channels.colours import BLACK, WHITE, ink_on, readable_on

LIGHT_PAPER, DARK_PAPER = "#ffffff", "#24201d"


def brand_css(brand: Brand) -> str:
    """The custom properties that page.css builds on: `fill` is the brand's own colour, `accent` one to read in, on light and on dark."""
    light, dark = readable_on(brand.accent, LIGHT_PAPER, BLACK), readable_on(brand.accent, DARK_PAPER, WHITE)
    both = f":root{{--fill:{brand.accent};--on-fill:{ink_on(brand.accent)};--accent:{light}}}"
    return f"{both}@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}"
