"""A section of contactflow.toml."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Keys that are known, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)
