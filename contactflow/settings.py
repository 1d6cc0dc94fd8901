"""Settings: contactflow.toml for what may be read by anyone, the environment for secrets."""

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contactflow.limiting import LimitSection
from contactflow.mailing import EmailSection
from contactflow.measuring import MetricSection, ProgrammeSection, StrategySection
from contactflow.preferring import PreferencesSection
from contactflow.section import Section
from contactflow.tracking import TrackingSection
from customers.conditions.faults import SegmentsError
from customers.conditions.language import parse_segments
from customers.conditions.vocabulary import AttributeKind, Vocabulary, attribute_name_fault, suggestion
from engine.language.fields import NAME_PATTERN
from engine.metrics import BUILT_IN, Metrics
from store.errors import NotFoundError, SettingsError

FILE = "contactflow.toml"


class WorkspaceSection(Section):
    """The organisation."""

    name: str = Field("My organisation", description="The name that recipients see.")
    address: str = Field("", description="The postal address that recipients see, in one line.")
    timezone: str = Field("Europe/Amsterdam", description="Where the organisation is: an IANA time zone.")
    language: Literal["en", "nl", "de"] = Field(
        "en", description="The language of pages and reports when a customer's is not known; reports have no German yet."
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field("EUR", description="The currency of amounts, three capitals.")
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        "NL", description="The country that telephone numbers and postcodes are read for."
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not a time zone. Write one such as Europe/Amsterdam.") from None
        return value


class DatabaseSection(Section):
    """Where everything is kept."""

    url: str = Field("sqlite:///contactflow.db", description="SQLite (a file in the workspace) or postgresql://host/name.")


class ConsentSection(Section):
    """What customers can be asked to allow."""

    purposes: tuple[str, ...] = Field(("offers", "service"), description="The purposes that a campaign may have.", min_length=1)


class SmsSection(Section):
    """How text messages leave."""

    transport: Literal["sandbox"] = Field("sandbox", description="`sandbox`: a telephone in the workspace, to look at.")


class PrintSection(Section):
    """How letters are made."""

    folder: str = Field("print", description="The folder of the print runs, in the workspace.")
    window: Literal["left", "right"] = Field("left", description="Where the window of the envelope is.")


class LandingSection(Section):
    """The pages that links lead to."""

    base_url: str = Field("http://127.0.0.1:8484", description="How recipients reach the pages.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8484, description="The port that `contactflow serve` listens on.")
    proxies: tuple[str, ...] = Field(
        (),
        description="The proxies in front, by address or network (`10.0.0.0/8`): their word is taken for where a visitor comes from "
        "(`X-Forwarded-For`), and nobody else's.",
    )

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"'{each[:60]}' is no address and no network. Write one such as 127.0.0.1 or 10.0.0.0/8.") from None
        return value


class CostsSection(Section):
    """What a message costs, in cents."""

    email: Annotated[float, Field(ge=0)] = Field(0.05, description="An e-mail.")
    sms: Annotated[float, Field(ge=0)] = Field(7.5, description="A segment of a text message.")
    print: Annotated[float, Field(ge=0)] = Field(95.0, description="A letter of one sheet, with postage.")


class Settings(Section):
    """All of contactflow.toml."""

    workspace: WorkspaceSection = WorkspaceSection()
    database: DatabaseSection = DatabaseSection()
    attributes: dict[str, AttributeKind] = Field(
        {}, description="The organisation's own attributes: text, integer, number, boolean or date."
    )
    segments: dict[str, str] = Field({}, description="Named segments, each a condition; the first that fits wins.")
    consent: ConsentSection = ConsentSection()
    preferences: PreferencesSection = PreferencesSection()
    email: EmailSection = EmailSection()
    sms: SmsSection = SmsSection()
    print: PrintSection = PrintSection()
    limits: dict[Literal["email", "sms", "print"], LimitSection] = Field(
        {}, description="How fast messages may leave: `[limits.email]`, `[limits.sms]`, `[limits.print]`."
    )
    landing: LandingSection = LandingSection()
    costs: CostsSection = CostsSection()
    tracking: TrackingSection = TrackingSection()
    programme: ProgrammeSection = ProgrammeSection()
    metrics: dict[str, MetricSection] = Field(
        {}, description="The organisation's own metrics, each `[metrics.NAME]`. Flows name them in `learn.metric` and `learn.also`."
    )
    strategy: dict[str, StrategySection] = Field(
        {},
        description="What is meant for a segment: `[strategy.SEGMENT]` with `result`, `channel`, `measure`. See `contactflow strategy`.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """Where the organisation is."""
        return ZoneInfo(self.workspace.timezone)

    @property
    def known(self) -> dict[str, AttributeKind]:
        """The organisation's own attributes and the topics, which are attributes too."""
        return {**self.attributes, **self.preferences.attributes}

    @property
    def measured(self) -> Metrics:
        """The built-in metrics and the organisation's own, by name."""
        return {**BUILT_IN, **{name: section.spec(name) for name, section in self.metrics.items()}}

    @field_validator("metrics")
    @classmethod
    def _own_metrics(cls, value: dict[str, MetricSection]) -> dict[str, MetricSection]:
        faults = [f"'{name}' is a metric already. Give yours another name." for name in value if name in BUILT_IN]
        wrong = [name for name in value if not NAME_PATTERN.fullmatch(name)]
        faults += [f"'{name[:60]}' cannot be a name: use small letters, figures, - and _, beginning with a letter." for name in wrong]
        if faults:
            raise ValueError(" ".join(faults))
        return value

    @field_validator("attributes")
    @classmethod
    def _new_names(cls, value: dict[str, AttributeKind]) -> dict[str, AttributeKind]:
        faults = [fault for fault in map(attribute_name_fault, value) if fault]
        if faults:
            raise ValueError(" ".join(faults))
        return value


class Secrets(BaseModel):
    """What comes from the environment, or from `.env` in the workspace; never from a file that is shared."""

    model_config = ConfigDict(frozen=True)

    secret_key: str | None = Field(
        None, description="Signs personal links. `contactflow init` writes one into .env; separate keys by commas, newest first."
    )
    smtp_password: str | None = Field(None, description="The password of the mail server.")
    sendgrid_key: str | None = Field(None, description="The API key of SendGrid; it needs the right to send mail, and no other.")
    imap_password: str | None = Field(None, description="The password of the mailbox that bounces come back to.")
    database_url: str | None = Field(None, description="Instead of [database] url, when the address holds a password.")

    def __repr__(self) -> str:
        return "Secrets(...)"


def secret_keys(keys: Secrets) -> tuple[bytes, ...]:
    """The keys that sign links and return paths, the newest first. Raises SettingsError without one."""
    if not keys.secret_key:
        raise SettingsError("There is no secret key for personal links. Set CONTACTFLOW_SECRET_KEY, or write it into .env.")
    return tuple(key.strip().encode() for key in keys.secret_key.split(",") if key.strip())


def read_settings(root: Path) -> Settings:
    """The settings of a workspace. Raises NotFoundError without contactflow.toml, SettingsError with every fault in it."""
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no {FILE} in {root}. Go to a workspace, name one with --workspace, or make one: contactflow init DIR"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error.__class__.__name__}. It must be a text file in UTF-8.") from error
    try:
        settings = Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}. Compare the line with docs/reference/settings.md.") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(path, text, fault) for fault in error.errors())) from error
    _check_segments(path, text, settings)
    _check_strategy(path, text, settings)
    _check_purposes(path, text, settings)
    return settings


def read_secrets(root: Path, environment: Mapping[str, str]) -> Secrets:
    """The secrets of the environment, with `.env` of the workspace for what the environment does not say."""
    values = {**_dotenv(root / ".env"), **environment}
    return Secrets(**{name: values.get(f"CONTACTFLOW_{name.upper()}") or None for name in Secrets.model_fields})


def environment() -> Mapping[str, str]:
    """The process's environment: the only place that reads it."""
    return os.environ


def _check_segments(path: Path, text: str, settings: Settings) -> None:
    if not settings.segments:
        return
    try:
        parse_segments(Vocabulary.of_workspace(settings.known, settings.segments))
    except SegmentsError as error:
        faults = [
            f"{path}:{_line_of(text, ['segments', name])}:1: segment '{name}': {fault.message} {fault.remedy}".rstrip()
            for name, each in error.errors.items()
            for fault in each.faults
        ]
        raise SettingsError("\n".join(faults)) from error


def _check_strategy(path: Path, text: str, settings: Settings) -> None:
    unknown = [name for name in settings.strategy if name not in settings.segments]
    if unknown:
        faults = (
            f"{path}:{_line_of(text, ['strategy', name, 'result'])}:1: strategy: there is no segment '{name}'. "
            f"{suggestion(name, list(settings.segments)) or 'Name it under [segments] first.'}"
            for name in unknown
        )
        raise SettingsError("\n".join(faults))


def _check_purposes(path: Path, text: str, settings: Settings) -> None:
    """Sections that name a purpose name one that there is."""
    followed = [settings.tracking.purpose] if settings.tracking.purpose else []
    named = [("tracking", "purpose", purpose) for purpose in followed]
    named += [("preferences", "titles", purpose) for purpose in settings.preferences.titles]
    purposes = list(settings.consent.purposes)
    wrong = [each for each in named if each[2] not in purposes]
    if wrong:
        faults = (
            f"{path}:{_line_of(text, [section, key])}:1: {section}.{key}: there is no purpose '{purpose[:60]}'. "
            f"{suggestion(purpose, purposes) or 'Add it to `purposes` under [consent].'}"
            for section, key, purpose in wrong
        )
        raise SettingsError("\n".join(faults))


def _sentence(path: Path, text: str, fault: Any) -> str:
    loc = fault["loc"]
    keys = [str(key) for key in (loc[:-1] if isinstance(loc[-1], int) else loc)]  # one of a list stands on the list's line
    where = f"{path}:{_line_of(text, keys)}:1"
    name = ".".join(keys)
    match fault["type"]:
        case "extra_forbidden":
            return f"{where}: '{name}' is not a setting. {suggestion(keys[-1], _names(keys[:-1]))}".rstrip()
        case "value_error":
            return f"{where}: {name}: {fault['ctx']['error']!s}"
        case "string_pattern_mismatch":
            return f"{where}: {name} cannot be '{fault['input']}'. It is: {_described(keys)}"
        case "missing":
            return f"{where}: {name} has to be written. See docs/reference/settings.md."
        case "literal_error" | "enum":
            expected = fault["ctx"]["expected"]
            near = suggestion(str(fault["input"]), re.findall("'([^']+)'", expected))
            return f"{where}: {name} cannot be '{fault['input']}'. Choose {expected}. {near}".rstrip()
        case _:
            return f"{where}: {name}: {fault['msg'].lower()}, but it is '{fault['input']}'. See docs/reference/settings.md."


def _names(keys: list[str]) -> list[str]:
    return list(getattr(_model_at(keys), "model_fields", {}))


def _described(keys: list[str]) -> str:
    """What a setting is, in the words of the reference."""
    field = getattr(_model_at(keys[:-1]), "model_fields", {}).get(keys[-1])
    return (field.description if field else None) or "see docs/reference/settings.md."


def _model_at(keys: list[str]) -> Any:
    """The section that some keys lead to; None where there is none."""
    model: Any = Settings
    for key in keys:
        if get_origin(model) is dict:
            model = get_args(model)[1]
        elif get_origin(model) is tuple:
            model = get_args(model)[0]
        else:
            model = model.model_fields[key].annotation if key in getattr(model, "model_fields", {}) else None
    return model


def _line_of(text: str, keys: list[str]) -> int:
    """The line of a key, or of the section around it; 1 when neither is found. A number among the keys counts `[[sections]]`."""
    section, best = "", 1
    names, wanted = [key for key in keys if not key.isdecimal()], next((int(key) for key in keys if key.isdecimal()), 0)
    name, seen = ".".join(names), -1
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[(\[?)([\w.-]+)\]", line)
        if header:
            section = header[2]
            seen += bool(header[1]) and f"{name}.".startswith(f"{section}.")
            if f"{name}.".startswith(f"{section}.") and (not header[1] or seen == wanted):
                best = number
        elif section == ".".join(names[:-1]) and seen in (-1, wanted) and re.match(rf"\s*\"?{re.escape(names[-1])}\"?\s*=", line):
            return number
    return best


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (
        line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
