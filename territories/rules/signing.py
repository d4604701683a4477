"""The right to sign of a mandate, before the mandate exists. Pure."""

from dataclasses import dataclass
from datetime import date

from territories.choices import SigningAs


@dataclass(frozen=True, slots=True)
class SigningRight:
    """The right to sign that a mandate carries: by what title, under which act, published when."""

    signing_as: SigningAs
    title: str
    act: str
    act_date: date
    published_date: date
    publication: str = ""

    def fields(self) -> dict[str, str]:
        """Return the fields of a mandate, its dates as ISO texts."""
        return {
            "signing_as": str(self.signing_as),
            "signing_title": self.title,
            "signing_act": self.act,
            "signing_act_date": self.act_date.isoformat(),
            "signing_published_date": self.published_date.isoformat(),
            "signing_publication": self.publication,
        }
