"""Keep what customers choose about how to be written to: topics, pauses, and how often."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "choice",
        sa.Column("id", number, nullable=False),
        sa.Column("customer_id", number, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("value", number, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_choice_customer_id", "choice", ["customer_id"])


def downgrade() -> None:
    """Not offered: whoever asked for a pause would be written to. Restore the backup instead."""
    raise NotImplementedError
