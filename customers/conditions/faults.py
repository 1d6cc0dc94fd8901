"""What is wrong with a condition, all of it at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from store.errors import InputError


@dataclass(frozen=True, slots=True, order=True)
class ConditionFault:
    """One fault: where it is in the condition's text (characters, end exclusive), what is wrong, and what to do."""

    start: int
    end: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ConditionError(InputError):
    """A condition has faults; `faults` are all of them, in reading order."""

    def __init__(self, text: str, faults: Iterable[ConditionFault]) -> None:
        self.text = text
        self.faults = tuple(sorted(set(faults)))
        lines = [f"character {fault.start + 1}: {fault}" for fault in self.faults]
        super().__init__("The condition cannot be used.\n" + "\n".join(lines))


class SegmentsError(InputError):
    """Segments have faults; `errors` holds those of each segment by its name."""

    def __init__(self, errors: Mapping[str, ConditionError]) -> None:
        self.errors = dict(errors)
        lines = [f"segment '{name}', character {fault.start + 1}: {fault}" for name, error in self.errors.items() for fault in error.faults]
        super().__init__("\n".join(lines))
