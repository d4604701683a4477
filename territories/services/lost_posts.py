"""What a person wrote in a form whose session had ended: it waits in the session that signs in again, for them alone.

A session that ended no longer says whose it was: a signed cookie does, from the first page a person opens to their
sign-out. Texts wait, never files, passwords nor codes; a few of them, and not for longer than the new session.
"""

from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

LOST_POSTS = "lost_posts"
"""Key of the session."""
ACCOUNT_COOKIE = "compte"
ACCOUNT_SALT = "territories.lost_posts"
ACCOUNT_DAYS = 7
"""How long a page left open still leads its text to its author."""

MOST_POSTS = 5
MOST_CHARACTERS = 200_000
"""Of all that waits: what comes first leaves first. No form of the portal asks for half of it."""

_NEVER_KEPT = ("password", "code", "csrf")
"""In the names of fields that are typed again."""


@dataclass(slots=True)
class LostPost:
    """One form: whose it was, where it was posted, its fields as an address writes them, whether files came with it.

    ``in_form`` when the page shows it in its own form again.
    """

    account: int
    address: str
    data: str
    files: bool = False
    in_form: bool = False

    @property
    def texts(self) -> list[str]:
        """What was written: values of several words; the others are choices, made again in a click."""
        return texts_of(parse_qs(self.data))

    @property
    def mandate(self) -> str:
        """The mandate that the form names; a structure's names none."""
        return parse_qs(self.data).get("mandate", [""])[0]

    def concerns(self, path: str) -> bool:
        """Tell whether a page belongs to the same thing (file, label, decision…) as the form."""
        return path.split("/")[:3] == self.address.split("/")[:3]


def texts_of(fields: MutableMapping[str, list[str]]) -> list[str]:
    """Return the values of several words among posted fields."""
    return [text for values in fields.values() for text in values if len(text.split()) > 1]


def may_be_kept(name: str) -> bool:
    """Tell whether a field may wait in a session, by its name."""
    return not any(part in name.lower() for part in _NEVER_KEPT)


def waiting(session: MutableMapping[str, Any]) -> list[LostPost]:
    """Return what waits in a session, whoever wrote it."""
    return [LostPost(**row) for row in session.get(LOST_POSTS, [])]


def keep(session: MutableMapping[str, Any], post: LostPost, *, replaces: bool) -> None:
    """Have a form wait, within the bounds; the same form posted again takes the place of the first if it ``replaces``."""
    rows = [
        row
        for row in waiting(session)
        if row.account == post.account and not (row.address == post.address and (replaces or row.data == post.data))
    ]
    rows.append(post)
    while len(rows) > MOST_POSTS or sum(len(row.data) for row in rows) > MOST_CHARACTERS:
        rows.pop(0)
    _write(session, rows)


def of_reader(session: MutableMapping[str, Any], account: int, mandates: Collection[str] | None) -> list[LostPost]:
    """Return what waits for a person, and erase what is another's, or named a mandate that they do not hold.

    ``mandates`` is ``None`` while they are not known, before the second factor: then nothing is returned.
    """
    rows = waiting(session)
    if not rows:
        return []
    own = [row for row in rows if row.account == account]
    if mandates is not None:
        own = [row for row in own if not row.mandate or row.mandate in mandates]
    if own != rows:
        _write(session, own)
    return own if mandates is not None else []


def forget(session: MutableMapping[str, Any], gone: Sequence[LostPost]) -> None:
    """Erase what was taken up or set aside."""
    keys = [(row.address, row.data) for row in gone]
    rows = waiting(session)
    kept = [row for row in rows if (row.address, row.data) not in keys]
    if kept != rows:
        _write(session, kept)


def _write(session: MutableMapping[str, Any], rows: list[LostPost]) -> None:
    if rows:
        session[LOST_POSTS] = [asdict(row) for row in rows]
    else:
        session.pop(LOST_POSTS, None)
