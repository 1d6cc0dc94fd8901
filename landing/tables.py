"""The pages' own table: forms that are not finished."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from store.columns import BigId, Instant, Json


class FormDraft(SQLModel, table=True):
    """What a message's recipient has filled in so far of a form over several pages. One row a message."""

    __tablename__: ClassVar[str] = "form_draft"

    message_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="outbox.id")
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id", index=True)  # serves: what is kept of one customer
    sittings: int  # how often somebody began to fill in, or went on later
    given: Any = Field(sa_column=Column(Json, nullable=False))  # {page: {"typed": {field: text}, "sitting": number}}
    changed_at: datetime = Field(sa_type=Instant)
