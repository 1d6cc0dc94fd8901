"""What goes wrong with pictures."""

from store.errors import ContactflowError


class PictureError(ContactflowError):
    """The picture cannot be made here, and the text says what to install or to do."""
