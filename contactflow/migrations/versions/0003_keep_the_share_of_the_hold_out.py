"""Keep the share that was held out of all campaigns when a customer was drawn."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nobody has been drawn before this revision: the table is empty, and the default stands for no customer.
    op.add_column("programme", sa.Column("share", sa.Float(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Not offered: what was drawn would lose what it is checked against. Restore the backup instead."""
    raise NotImplementedError
