"""A campaign as it is written: its header and its nodes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from engine.language.fields import Line, MetricName, Name, PurposeName, TemplateFile
from engine.language.values import Count, Duration, Lift
from engine.nodes.node import ConditionText, Node
from engine.tracking import Track


class LearningGoal(BaseModel):
    """What the campaign is to teach. Registered when it starts; the report answers it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    question: Line = Field(description="The question, in a sentence.")
    metric: MetricName = Field(description="What counts as success: the primary metric, built in or of `[metrics]`.")
    within: Duration = Field(description="Counted from the moment that a customer came in.")
    minimum_lift: Lift | None = Field(None, description="The smallest difference that would matter: `1 point`, or an amount.")
    also: tuple[MetricName, ...] = Field((), description="Other metrics to report.")
    customers: Count | None = Field(
        None,
        description="How many customers the answer was planned for. Of a campaign that goes on for ever, it comes when so many have "
        "been in for the time above.",
    )
    then: Literal["report", "promote"] | None = Field(
        None,
        description="What happens when the answer is there. `report`, which is usual: a person decides. `promote`: an arm that is better "
        "becomes the routine by itself, as `contactflow promote` makes it.",
    )


class CampaignSpec(BaseModel):
    """One YAML file: what a campaign is, and its flow."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    campaign: Name = Field(description="The campaign's short name; that of the file.")
    title: Line | None = Field(None, description="Its name in words, for pictures and reports.")
    owner: Line | None = Field(None, description="Who answers for it.")
    purpose: PurposeName | None = Field(None, description="The consent that every message here needs.")
    learn: LearningGoal | None = Field(None, description="The learning goal.")
    exit_when: ConditionText | None = Field(None, description="A condition that makes a member leave, wherever they are.")
    reentry: Literal["never"] | Duration = Field("never", description="Whether a customer may come in again: `never`, or after how long.")
    programme: Literal["exempt"] | None = Field(
        None,
        description="`exempt`: also for who is in the global hold-out. For messages that are owed, such as a recall; not for offers.",
    )
    page: TemplateFile | None = Field(
        None, description="The landing page that links lead to: a file under templates/. Default: the shipped page."
    )
    track: Track | None = Field(None, description="What is followed of its messages: who clicks, who opens, and marks of web statistics.")
    flow: dict[Name, SerializeAsAny[Node]] = Field(description="The nodes by id, in reading order.")
