"""A test client whose people have confirmed their second factor, as every agent must before any page."""

import pytest
from django.conf import settings
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice


class PortalClient(Client):
    """Django's client; ``force_login`` also confirms the second factor, unless told not to."""

    def force_login(self, user, backend=None, *, verified=True):
        super().force_login(user, backend or "django.contrib.auth.backends.ModelBackend")
        if verified:
            device, _ = TOTPDevice.objects.get_or_create(user=user, name="essai", confirmed=True)
            session = self.session
            session[DEVICE_ID_SESSION_KEY] = device.persistent_id
            session.save()

    def lose_session(self, user):
        """Be a browser in which a person opened a page, then whose session ended by itself."""
        self.force_login(user)
        self.get("/compte/mot-de-passe/")
        del self.cookies[settings.SESSION_COOKIE_NAME]


def signed_in(person):
    """A browser in which a person is signed in."""
    client = PortalClient()
    client.force_login(person)
    return client


@pytest.fixture
def client():
    """A visitor; sign in with ``client.force_login(person)``."""
    return PortalClient()
