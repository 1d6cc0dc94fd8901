"""Whether a colour can be read on another: contrast by WCAG 2.2, at least 4.5 to 1 for text."""

READABLE = 4.5
READABLE_LARGE = 3.0  # letters of 24 pixels and more, or bold ones of 18.66
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Colour = tuple[int, int, int]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (#rrggbb), 1 to 21. Source: WCAG 2.2, contrast ratio."""
    darker, lighter = sorted((_luminance(_parse(one)), _luminance(_parse(other))))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(accent: str, paper: str, towards: Colour) -> str:
    """The accent, mixed with `towards` by as little as makes it readable on the paper."""
    mixed = (_mixed(_parse(accent), towards, step / 40) for step in range(41))
    return next(colour for colour in mixed if contrast(colour, paper) >= READABLE)


def ink_on(fill: str) -> str:
    """White or black, whichever can be read better on a colour."""
    return max("#ffffff", "#000000", key=lambda each: contrast(each, fill))


def _mixed(colour: Colour, other: Colour, share: float) -> str:
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in zip(colour, other, strict=True))


def _parse(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (each / 255 for each in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
