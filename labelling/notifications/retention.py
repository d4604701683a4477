"""Mails that announce an erasure to who it concerns, before it is done."""

from datetime import date

from django.core.mail import EmailMessage

from labelling.choices import ApplicationState, Retained
from labelling.models import Application
from labelling.notifications.mails import Messages, about_file, address_of, compose, file_of, people_of
from territories.choices import Subject
from territories.models import Event, User


def _announced(event: Event) -> list[EmailMessage]:
    """Tell the people of a structure what of their file will be erased, and when; what they do until then counts."""
    draft = event.data["what"] == Retained.DRAFT
    found = Application.objects.filter(pk=event.subject_id).first()
    # Deleted or submitted meanwhile: there is nothing to announce.
    if found is None or draft != (found.state == ApplicationState.DRAFT):
        return []
    application = file_of(event)
    context = about_file(application) | {
        "on": date.fromisoformat(event.data["on"]),
        "pieces": event.data["what"] == Retained.EVIDENCE,
    }
    name, subject = (
        ("draft_deletion", f"votre brouillon {application.number} va être supprimé")
        if draft
        else ("purge_announced", f"votre dossier {application.number}, ce qui va être effacé")
    )
    return [compose(name, subject, [person.email], context) for person in people_of(application)]


def _account_announced(event: Event) -> list[EmailMessage]:
    user = User.objects.filter(pk=event.subject_id, is_active=True).first()
    if user is None:
        return []
    context = {"on": date.fromisoformat(event.data["on"]), "url": address_of("login"), "since": user.last_login}
    return [compose("account_unused", "votre compte ne sert plus", [user.email], context)]


MESSAGES: Messages = {
    (Subject.APPLICATION, "announce_purge"): _announced,
    (Subject.ACCOUNT, "announce_purge"): _account_announced,
}
