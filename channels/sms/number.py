"""Telephone numbers that a text can be sent to."""

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

# North America cannot tell fixed lines from mobiles by the number.
_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def mobile_number(text: str, country: str) -> str | None:
    """The number in E.164, or None when it is not one of a mobile phone; `country` (ISO 3166-1) is for numbers in national form."""
    try:
        number = phonenumbers.parse(text, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _TEXTABLE:
        return None
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
