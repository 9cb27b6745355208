"""Addresses of databases and servers: their parts, and which of them may be shown."""

import re
from typing import Final, NamedTuple

WEB_LOGIN: Final = re.compile(r"(?P<user>[^/?#:]*)(?::(?!\d*(?:[/?#]|$))(?P<password>[^@]*(?:@[^/?#@]*)*))?@")
"""The login of a web address. Text after a colon is a password, unless it is a port."""
LOGIN: Final = re.compile(r"(?P<user>[^/:]*)(?::(?P<password>[^@]*(?:@[^?#@]*)*))?@")
"""The login of any other address. For SQLAlchemy, everything up to an @ is the password, even slashes."""


class Address(NamedTuple):
    """An address in parts: its scheme, its login, and the rest, which begins with the server.

    `user` is empty without a login, and `password` None without one.
    """

    scheme: str
    user: str
    password: str | None
    rest: str

    def written(self, rest: str) -> str:
        """Return the address with another login and rest; without them if the login may be part of a query."""
        is_ambiguous = re.search("[?#]", f"{self.user}{self.password}") is not None
        return f"{self.scheme}://{'...' if is_ambiguous else rest}"


def read_address(text: str) -> Address:
    """Split an address into its parts. Whatever may be a password is treated as one."""
    scheme, _, rest = text.partition("://")
    found = (WEB_LOGIN if re.search(r"https?$", scheme, re.IGNORECASE) else LOGIN).match(rest)
    if found is None:
        return Address(scheme, "", None, rest)
    return Address(scheme, found["user"], found["password"], rest[found.end() :])


def bare_address(text: str) -> str:
    """Return an address without its login and its query; any other text is unchanged."""
    if "://" not in text:
        return text
    address = read_address(text)
    return address.written(re.split("[?#]", address.rest)[0])


def shown_uri(uri: str) -> str:
    """Return the address of a store without its password."""
    if "://" in uri:
        _, user, password, rest = address = read_address(uri)
        login = f"{user}:***@" if password is not None else f"{user}@" if user else ""
        uri = address.written(f"{login}{rest}")
    return re.sub(r"(?<=[?&])([^=&]*(?:password|secret|token)[^=&]*)=[^&]*", r"\1=***", uri, flags=re.IGNORECASE)
