"""Let a person be erased while the numbers stay."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "erased_mark",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def downgrade() -> None:
    """Not offered, as for the revisions before. Restore the backup instead."""
    raise NotImplementedError
