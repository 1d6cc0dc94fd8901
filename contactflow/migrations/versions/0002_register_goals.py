"""Register goals, decisions and the programme; keep the segment on entry, and the margin of a purchase."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("version_from", sa.String(), nullable=False),
        sa.Column("version_to", sa.String(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_decision_campaign", "decision", ["campaign"])
    op.create_table(
        "registered_goal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign", "digest"),
    )
    op.create_table(
        "programme",
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    # In plain SQL: Alembic would copy the table for the reference, which SQLite refuses for one that others refer to.
    op.execute("ALTER TABLE flow_version ADD COLUMN goal_id INTEGER REFERENCES registered_goal (id)")
    op.add_column("member", sa.Column("segment", sa.String(), nullable=True))
    op.add_column("purchase", sa.Column("margin_cents", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))


def downgrade() -> None:
    """Not offered: goals and decisions that were registered would be lost. Restore the backup instead."""
    raise NotImplementedError
