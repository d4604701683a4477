"""Mails of the application to persons. They are sent outside any transaction, after what they announce is kept."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from territories.models import Authority, Invitation
from territories.services.accounts import words_of_access
from territories.services.mails import compose


def send_invitation(invitation: Invitation, *, token: str, promise: str) -> None:
    """Send the single-use link of an invitation; ``promise`` says in a few words what it opens.

    Raises:
        OSError: the mail server does not answer (``smtplib.SMTPException`` is one).
    """
    subject, text = compose(
        "territories/invitation",
        "Votre accès au portail France Santé",
        {
            "invitation": invitation,
            "promise": promise,
            "link": f"{settings.PUBLIC_URL}{reverse('invitation', args=[token])}",
            "portal": settings.PUBLIC_URL,
        },
    )
    EmailMessage(subject, text, to=[invitation.email]).send()


def promise_of(invitation: Invitation) -> str:
    """Say in a few words what an invitation opens."""
    if invitation.mandate_fields is None:
        return words_of_access(invitation.membership_fields or {})
    authority = Authority.objects.get(pk=invitation.mandate_fields["authority"])
    return f"agir pour l’autorité « {authority.name} »"
