"""Every error that contactflow raises on purpose.

The tree::

    ContactflowError
    ├── InputError            the user's file, flow, setting or word is at fault: exit 1
    │   ├── FlowError         a flow does not pass `contactflow check`; carries all faults
    │   ├── SettingsError     contactflow.toml or the environment is wrong
    │   └── NotFoundError     a campaign, customer, node or file that is not there
    ├── NaiveTimeError        a datetime without a zone reached a column or the engine
    ├── TokenError            a link or code that we did not sign, or that has expired
    ├── ForgedError           what claims to come from a provider and was not signed by it, or not now
    ├── DeliveryError         an adapter could not do its work at all (not one message's failure)
    └── StorageError          the database cannot be opened, or is of another version

The text of each says where, what and what to do, in words that a campaign manager knows.
"""


class ContactflowError(Exception):
    """What contactflow raises on purpose; anything else that escapes is a defect of ours."""


class InputError(ContactflowError):
    """What the user wrote or named is at fault, and the text says what to change."""


class FlowError(InputError):
    """A flow has faults; the text lists every one of them."""


class SettingsError(InputError):
    """contactflow.toml or the environment is wrong."""


class NotFoundError(InputError):
    """Something that the user named is not there."""


class NaiveTimeError(ContactflowError):
    """A datetime without a zone. N. B. a programming mistake of ours, never the user's."""


class TokenError(ContactflowError):
    """A personal link or a short code that is not ours, was altered, or has expired."""


class ForgedError(ContactflowError):
    """A request that a provider did not sign, that was altered on its way, or that is repeated later."""


class DeliveryError(ContactflowError):
    """An adapter cannot work at all: no connection, refused credentials, a full disk."""


class StorageError(ContactflowError):
    """The database cannot be opened, or its tables are of another version."""
