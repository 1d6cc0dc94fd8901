"""Which customer is meant by a key or a mail address, as customer service has it on the telephone."""

from sqlalchemy import func, select
from sqlmodel import Session

from customers.tables import Customer, CustomerId, table_of
from store.errors import InputError, NotFoundError

_MOST_NAMED = 10


def find_customer(session: Session, named: str) -> CustomerId:
    """The customer with this key, or else with this mail address. Raises NotFoundError for nobody, and InputError for several."""
    customer = table_of(Customer).c
    by_key = session.execute(select(customer.id).where(customer.key == named)).scalar()
    if by_key is not None:
        return CustomerId(by_key)
    found = session.execute(select(customer.id, customer.key).where(customer.email == func.lower(named)).order_by(customer.id)).all()
    if not found:
        raise NotFoundError(
            f"There is no customer '{named}'. Give the key that the customer has in the source system, or the mail address."
        )
    if len(found) > 1:
        keys = ", ".join(row.key for row in found[:_MOST_NAMED])
        raise InputError(f"{len(found)} customers have this address: {keys}. Give the key of the one who is meant.")
    return CustomerId(found[0].id)
