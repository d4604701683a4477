"""Mails that pages send at once: codes, links, the counts of the morning."""

from urllib.parse import urlencode

from labelling.choices import InvitationAddress, NewsKind, NewsScope
from labelling.models import (
    Claim,
    Opinion,
)
from labelling.notifications.mails import address_of, compose
from labelling.notifications.opinions import about_opinion
from labelling.services.digest import Section
from labelling.services.drafting import authorities_of
from labelling.services.invitations import Sending
from labelling.services.worklist import EVERYTHING
from territories.models import User


def send_code(claim: Claim, code: str) -> None:
    """Send the code of a claim to the address that the register knows; the code is kept nowhere else.

    Raises:
        OSError: the mail server does not answer.
    """
    context = {"claim": claim, "line": claim.line, "code": f"{code[:3]} {code[3:]}"}
    compose("claim_code", "votre code de confirmation", [claim.line.email], context).send()


def send_structure_invitation(sending: Sending, *, reminder: bool = False) -> None:
    """Send an invited structure its single-use link, or, when somebody answers for it, the address of its file.

    Raises:
        OSError: the mail server does not answer.
    """
    row = sending.invitation
    application = row.application
    if application is None:
        return
    context = {
        "invitation": row,
        "structure": application.structure,
        "application": application,
        "authorities": list(authorities_of(application.departement).values()),
        "by_link": bool(sending.token),
        "typed": row.address == InvitationAddress.TYPED,
        "url": address_of("structure-invitation", sending.token)
        if sending.token
        else address_of("application-confirm", application.number),
    }
    name, subject = ("prospect_reminder", "rappel : ") if reminder else ("prospect_invited", "")
    compose(name, f"{subject}votre structure est invitée à confirmer", list(sending.to), context).send()


def send_registration_link(*, email: str, token: str) -> None:
    """Send the link that opens an account, or, without token, say that the address already has one.

    Raises:
        OSError: the mail server does not answer.
    """
    if token:
        context = {"url": address_of("registration", token)}
        compose("registration", "confirmez votre adresse", [email], context).send()
    else:
        context = {"url": address_of("login"), "reset": address_of("password-reset")}
        compose("registration_known", "vous avez déjà un compte", [email], context).send()


def send_digest(user: User, sections: list[Section]) -> None:
    """Send an agent the counts of what waits, each with the address of its page; no name, no file.

    Raises:
        OSError: the mail server does not answer.
    """
    context = {
        "sections": [
            {
                "authority": section.mandate.authority,
                "territory": section.mandate.territory_name,
                "to_sign": section.to_sign,
                "parapheur": address_of("parapheur"),
                "views": [
                    {"label": label, "count": count, "url": f"{address_of('applications')}?vue={view}"}
                    for label, count, view in section.views
                ],
                "news": [
                    {"label": kind.label, "count": count, "url": f"{address_of('applications')}?{_news(kind, scope)}"}
                    for kind, scope, count in section.news
                ],
            }
            for section in sections
        ],
        "several": len(sections) > 1,
        "mandates": address_of("mandates"),
        "setting": address_of("digest"),
    }
    compose("digest", "ce qui attend ce matin", [user.email], context).send()


def _news(kind: NewsKind, scope: NewsScope) -> str:
    among = {} if scope == NewsScope.ALL else {"parmi": scope.value}
    return urlencode({"vue": EVERYTHING, "nouveau": kind.value, **among})


def send_opinion_link(opinion: Opinion) -> None:
    """Send a body outside the portal, at its own address, the link by which it revises its opinion.

    Raises:
        OSError: the mail server does not answer.
    """
    context = about_opinion(opinion) | {"again": True, "reminder": False}
    compose("opinion_asked", f"revoir votre avis, {opinion.application.number}", [opinion.email], context).send()
