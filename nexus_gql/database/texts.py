"""Which texts a database can hold."""


def storable(text: str) -> bool:
    """Whether both databases take a text: PostgreSQL refuses NUL, and half a surrogate pair (JSON can spell one) has no UTF-8."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))
