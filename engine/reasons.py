"""Why a member left, and why a message was not sent: one closed list, with the sentence that `explain` says."""

from enum import StrEnum


class Reason(StrEnum):
    """Each member of the list has a sentence in REASONS; a test holds the two together."""

    NOT_IN_AUDIENCE = "not_in_audience"
    HELD_OUT = "held_out"
    PROGRAMME_HOLDOUT = "programme_holdout"
    NOT_ASKED = "not_asked"
    ALREADY_IN = "already_in"
    NO_ARM = "no_arm"
    ASKED_AGAIN = "asked_again"
    EXIT_CONDITION = "exit_condition"
    GOAL_REACHED = "goal_reached"
    FLOW_ENDED = "flow_ended"
    STOPPED = "stopped"
    ERASED = "erased"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    ASKED_FOR_A_PAUSE = "asked_for_a_pause"
    OFTEN_ENOUGH = "often_enough"
    NO_ADDRESS = "no_address"
    SUPPRESSED_ADDRESS = "suppressed_address"
    TOO_LATE = "too_late"
    LEFT_THE_CAMPAIGN = "left_the_campaign"
    NOT_COMPOSED = "not_composed"
    REFUSED = "refused"
    GAVE_UP = "gave_up"
    MAYBE_SENT = "maybe_sent"
    PREFERRED_MOMENT = "preferred_moment"


CODES = frozenset(reason.value for reason in Reason)

REASONS: dict[Reason, str] = {
    Reason.NOT_IN_AUDIENCE: "the audience's condition did not hold",
    Reason.HELD_OUT: "in the control group, which gets nothing so that the effect can be measured",
    Reason.PROGRAMME_HOLDOUT: "in the global hold-out, to whom no campaign writes so that all campaigns together can be measured",
    Reason.NOT_ASKED: "people come in by asking for it on a page, and this one did not",
    Reason.ALREADY_IN: "already in the campaign, and it does not allow coming in again yet",
    Reason.NO_ARM: "the data names an arm that the flow does not have",
    Reason.ASKED_AGAIN: "asked for it anew, and came in again by that",
    Reason.EXIT_CONDITION: "the campaign's exit condition held",
    Reason.GOAL_REACHED: "reached the goal",
    Reason.FLOW_ENDED: "came to the end of the flow",
    Reason.STOPPED: "a person stopped the campaign",
    Reason.ERASED: "asked to be erased, and nothing of them is kept but that it happened",
    Reason.NO_CONSENT: "never gave consent for this purpose over this channel",
    Reason.OPTED_OUT: "withdrew consent for this purpose over this channel",
    Reason.ASKED_FOR_A_PAUSE: "asked for a pause from messages of this purpose, which is not over",
    Reason.OFTEN_ENOUGH: "asked for fewer messages of this purpose, and had one within that time",
    Reason.NO_ADDRESS: "no usable address for this channel is known",
    Reason.SUPPRESSED_ADDRESS: "the address bounced for good or its owner complained, and is not used any more",
    Reason.TOO_LATE: "the message was too late to still be of use",
    Reason.LEFT_THE_CAMPAIGN: "had left the campaign before the message could be sent",
    Reason.NOT_COMPOSED: "the message could not be made for this customer",
    Reason.REFUSED: "the receiving side refused it for good",
    Reason.GAVE_UP: "it could not be delivered in any of the attempts",
    Reason.MAYBE_SENT: "the sender died while it was on the wire; it may have been sent and is not sent again",
    Reason.PREFERRED_MOMENT: "waits for the part of the day in which the customer likes to be written to",
}
