"""Background work of labels: mails, promised accesses, acts in PDF, notifications that nobody read."""

from datetime import timedelta
from time import monotonic
from typing import Any

from celery import shared_task
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from labelling.models import BulkRun
from labelling.notifications import CONSUMER, SUBJECTS, messages_of
from labelling.notifications.direct import send_digest, send_structure_invitation
from labelling.services.access import give_all_promised_access
from labelling.services.acts import render_missing_acts
from labelling.services.answers_due import warn_of_answers
from labelling.services.antivirus import scan_received
from labelling.services.attestations import remind_of_attestations
from labelling.services.bulk import carry_out, carry_out_unfinished, purge_runs
from labelling.services.completions import complete_waiting, refresh_known
from labelling.services.digest import tell_agents
from labelling.services.documents import render_missing_documents
from labelling.services.evidence import sweep_files
from labelling.services.following import purge_told
from labelling.services.invitations import due_reminders, end_expired, not_reminded, remind_invited
from labelling.services.label_acts import apply_notified_acts
from labelling.services.labels import publish_notified
from labelling.services.opinions import remind_opinions
from labelling.services.points import locate_waiting
from labelling.services.promotion import promote_all
from labelling.services.reasons import presume_reasons_read
from labelling.services.reminders import remind_of_closing_waves, remind_of_drafts
from labelling.services.renewals import remind_of_renewals
from labelling.services.requests import close_expired, remind
from labelling.services.restorations import restore_labels
from labelling.services.retention import purge
from labelling.services.silence import record_silences, warn
from labelling.services.suspensions import follow_suspensions
from labelling.services.transitions import apply_clauses
from labelling.services.visit_follow_up import remind_of_corrections
from territories.models import Event
from territories.services.events import drain
from territories.services.notifications import presume_notified

RENDERING = timedelta(seconds=40)
"""How long a run renders documents: the next one begins a minute after it."""


@shared_task
def deliver_mail(**_: Any) -> None:
    """Give the accesses that accepted invitations promise, and send the mails that events call for."""
    now = timezone.now()
    give_all_promised_access(at=now)
    drain(CONSUMER, subject_types=SUBJECTS, handle=send, at=now)


def send(event: Event) -> None:
    """Send the mails of one event."""
    for message in messages_of(event):
        message.send()


@shared_task
def scan_evidence(**_: Any) -> None:
    """Hand the pieces that were not scanned to the antivirus, when one is configured."""
    scan_received(at=timezone.now())


@shared_task
def complete_structures(**_: Any) -> None:
    """Ask the Annuaire what it had still to say of the structures that people described themselves."""
    complete_waiting(at=timezone.now())


@shared_task
def refresh_structures(**_: Any) -> None:
    """Ask the Annuaire again about the structures that only it knows."""
    refresh_known(at=timezone.now())


@shared_task
def locate_sites(**_: Any) -> None:
    """Ask the geocoder where the addresses of sites stand."""
    locate_waiting(at=timezone.now())


@shared_task
def sweep_evidence(**_: Any) -> None:
    """Delete the stored bytes that no piece names."""
    sweep_files(at=timezone.now())


@shared_task
def render_documents(**_: Any) -> None:
    """Render the acts that were signed, and the papers of files and labels, that have no PDF yet.

    Batch after batch, the latest first, until none is missing or the next run is near: a wave signed in one day has its
    papers within minutes.
    """
    ends = monotonic() + RENDERING.total_seconds()
    while render_missing_acts() + render_missing_documents(at=timezone.now()) and monotonic() < ends:
        pass


@shared_task
def apply_transitional_clauses(**_: Any) -> None:
    """Move pending files to the version of the cahier des charges whose transitional clause concerns them."""
    apply_clauses(at=timezone.now())


@shared_task
def promote_waiting_lists(**_: Any) -> None:
    """Tell the lead of the files whose turn has come that a place is free."""
    promote_all(at=timezone.now())


@shared_task
def presume_notifications(**_: Any) -> None:
    """Count as notified the decisions and reasons left unread for too long, and publish the labels that were notified."""
    now = timezone.now()
    presume_notified(at=now)
    presume_reasons_read(at=now)
    publish_notified(at=now)
    apply_notified_acts(at=now)
    restore_labels(at=now)


@shared_task
def remind_of_opinions(**_: Any) -> None:
    """Remind the bodies that were asked an opinion, three days before the deadline and on it."""
    remind_opinions(at=timezone.now())


@shared_task
def purge_expired(**_: Any) -> None:
    """Announce what is about to reach the end of its retention, and erase what did."""
    purge(at=timezone.now())
    purge_told(at=timezone.now())


@shared_task
def remind_drafts(**_: Any) -> None:
    """Remind structures of the drafts left aside, and of those whose wave closes."""
    now = timezone.now()
    remind_of_drafts(at=now)
    remind_of_closing_waves(at=now)


@shared_task
def remind_labelled(**_: Any) -> None:
    """Remind structures of the label that is about to end, and of the attestation and of the corrections due."""
    now = timezone.now()
    remind_of_renewals(at=now)
    remind_of_attestations(at=now)
    follow_suspensions(at=now)
    remind_of_corrections(at=now)


@shared_task
def follow_clocks(**_: Any) -> None:
    """Close the questions past their deadline, remind of those that are near it, write silence and warn of it and of answers."""
    now = timezone.now()
    close_expired(at=now)
    remind(at=now)
    record_silences(at=now)
    warn(at=now)
    warn_of_answers(at=now)


@shared_task
def carry_out_bulk(*, run: int, **_: Any) -> None:
    """Do an act on the files of a selection."""
    carry_out(run=BulkRun.objects.get(pk=run))


@shared_task
def carry_out_bulks(**_: Any) -> None:
    """Take up the selections that a worker left halfway, or that nobody began."""
    carry_out_unfinished()


@shared_task
def forget_bulks(**_: Any) -> None:
    """Forget the outcomes of selections after their 30 days."""
    purge_runs(at=timezone.now())


@shared_task
def send_digests(**_: Any) -> None:
    """Tell each agent what waits this morning."""
    tell_agents(at=timezone.now(), send=send_digest)


@shared_task
def follow_invitations(**_: Any) -> None:
    """End the invitations of structures that are past their term, and remind once of the others."""
    now = timezone.now()
    end_expired(at=now)
    for invitation in due_reminders(at=now):
        try:
            sending = remind_invited(invitation=invitation, mandate=None, at=now)
            send_structure_invitation(sending, reminder=True)
        except RefusedError:
            continue  # Confirmed meanwhile.
        except OSError:
            not_reminded(invitation)
