"""What can be wrong with a cell or a row, in words; reasons name no values, so that they can be counted and logged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not taken over, and what to do about it."""

    reason: str
    remedy: str


TOO_MANY_CELLS = Problem(
    "the row has more cells than the header", "put text that holds the delimiter between quotation marks, or remove the extra cells"
)
TOO_FEW_CELLS = Problem(
    "the row has fewer cells than the header", "look for a line break in the middle of the row, or add the cells that are missing"
)
OPEN_QUOTE = Problem(
    "a quotation mark is opened and never closed", "close it, or write a quotation mark that belongs to the text twice, in these lines"
)
MISSING = Problem("the cell is empty", "fill it in: without it the row means nothing")
TOO_LONG = Problem("the text is too long", "shorten it")
UNREADABLE_LETTER = Problem("the text has a letter that could not be read", "export the file again as 'CSV UTF-8'")
