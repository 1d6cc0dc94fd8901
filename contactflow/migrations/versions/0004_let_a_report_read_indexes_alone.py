"""Let a report read the contact log's indexes alone, without a look at the rows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REFUSED = sa.text("kind IN ('opted_out', 'complained')")


def upgrade() -> None:
    op.drop_index("contact_of_customer", table_name="contact")
    op.create_index("contact_of_customer", "contact", ["customer_id", "at", "kind", "human"])
    op.drop_index("contact_of_campaign", table_name="contact")
    op.create_index("contact_of_campaign", "contact", ["campaign", "kind", "customer_id", "message_id", "at", "human"])
    op.create_index("contact_refused", "contact", ["kind", "customer_id", "at"], sqlite_where=REFUSED, postgresql_where=REFUSED)


def downgrade() -> None:
    """Not offered, as for the revisions before. Restore the backup instead."""
    raise NotImplementedError
