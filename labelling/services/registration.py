"""Opening the account of a structure: an address, then a link sent to it, then the password again.

Nothing is written in the database before the link comes back: what was typed waits in the cache under the hash of the
link's secret, with the password already hashed. Asking for the password again keeps somebody who registered with
another person's address from having that person confirm it.
"""

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.core.cache import cache
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError
from territories.models import User

LINK_VALIDITY = timedelta(hours=24)
MAX_LINKS = 3
"""Links sent to one address in an hour."""
MAX_TRIES = 5
_GONE = (
    "Ce lien a expiré ou a déjà servi. Si votre compte est ouvert, connectez-vous ; sinon, recommencez : cela prend une "
    "minute."
)


@dataclass(frozen=True, slots=True)
class Registration:
    """What waits for the link to come back."""

    email: str
    civility: str
    first_name: str
    last_name: str
    password_hash: str


def begin_registration(*, email: str, civility: str, first_name: str, last_name: str, password: str) -> str:
    """Keep what was typed and return the secret of the link to send; nothing for an address that has an account.

    Raises:
        RefusedError: too many links were asked for this address.
    """
    address = email.strip().lower()
    counter = f"registration-links:{_hash(address)}"
    cache.add(counter, 0, timeout=3600)
    if cache.incr(counter) > MAX_LINKS:
        raise RefusedError(
            "Trois liens sont déjà partis à cette adresse en une heure. Regardez dans vos courriels indésirables, ou "
            "recommencez dans une heure."
        )
    if User.objects.filter(email=address).exists():
        return ""
    token = secrets.token_urlsafe(32)
    registration = Registration(address, civility, first_name.strip(), last_name.strip(), make_password(password))
    cache.set(_key(token), asdict(registration), timeout=int(LINK_VALIDITY.total_seconds()))
    return token


def registration_of(token: str) -> Registration | None:
    """Return what waits for a link, or nothing once it has expired or served."""
    kept = cache.get(_key(token))
    return Registration(**kept) if kept else None


def finish_registration(*, token: str, password: str, at: datetime) -> User:
    """Open the account of a link whose password is given again.

    Raises:
        RefusedError: the link has expired or served, the password is not the one chosen, or the address has an account.
    """
    registration = registration_of(token)
    if registration is None:
        raise RefusedError(_GONE)
    if not check_password(password, registration.password_hash):
        tries = f"{_key(token)}:tries"
        cache.add(tries, 0, timeout=int(LINK_VALIDITY.total_seconds()))
        if cache.incr(tries) >= MAX_TRIES:
            cache.delete(_key(token))
            raise RefusedError("Cinq mots de passe faux : ce lien ne sert plus. Recommencez votre inscription.")
        raise RefusedError("Ce n’est pas le mot de passe que vous avez choisi. Saisissez-le à nouveau.")
    user = User(
        email=registration.email,
        password=registration.password_hash,
        civility=registration.civility,
        first_name=registration.first_name,
        last_name=registration.last_name,
        joined_at=at,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise RefusedError(_GONE) from error
    cache.delete(_key(token))
    return user


def _key(token: str) -> str:
    return f"registration:{_hash(token)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
