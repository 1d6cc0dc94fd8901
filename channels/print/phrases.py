"""The sentences that every letter has, and its date, in the languages that we speak."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. `{landing}` is where a code is typed in."""

    months: tuple[str, ...]
    day: str
    panel: str
    invitation: str
    small_print: str
    page: str

    def spell(self, day: date) -> str:
        """The date as it stands above a letter."""
        first = "1er" if self.months[0] == "janvier" and day.day == 1 else str(day.day)
        return self.day.format(day=first, month=self.months[day.month - 1], year=day.year)


PHRASES = {
    "nl": Phrases(
        ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"),
        "{day} {month} {year}",
        "Uw persoonlijke pagina",
        "Scan de code met de camera van uw telefoon. Of ga naar **{landing}** en typ:",
        "Liever geen post meer van ons? Ga naar {landing}, typ uw code en kies ‘afmelden’. U kunt ons dat ook schrijven.",
        "Pagina {page} van {pages}",
    ),
    "en": Phrases(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
        "{day} {month} {year}",
        "Your personal page",
        "Scan the code with your phone’s camera. Or go to **{landing}** and type:",
        "Would you rather not get post from us? Go to {landing}, type your code and choose ‘unsubscribe’, or write to us.",
        "Page {page} of {pages}",
    ),
    "de": Phrases(
        ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"),
        "{day}. {month} {year}",
        "Ihre persönliche Seite",
        "Scannen Sie den Code mit der Kamera Ihres Telefons. Oder gehen Sie auf **{landing}** und tippen Sie:",
        "Möchten Sie keine Post mehr von uns? Gehen Sie auf {landing}, tippen Sie Ihren Code und wählen Sie ‚Abmelden‘,"
        " oder schreiben Sie uns.",
        "Seite {page} von {pages}",
    ),
    "fr": Phrases(
        ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        "{day} {month} {year}",
        "Votre page personnelle",
        "Scannez le code avec l’appareil photo de votre téléphone. Ou allez sur **{landing}** et tapez\u00a0:",
        "Vous ne souhaitez plus recevoir de courrier de notre part\u00a0? Allez sur {landing}, tapez votre code et choisissez"
        " ‘désinscription’, ou écrivez-nous.",
        "Page {page} sur {pages}",
    ),
}
SPOKEN_IN = {"NL": "nl", "BE": "nl", "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "LU": "fr"}


def language_of(country: str) -> str:
    """The language that a sender in `country` writes in when nothing else is said."""
    return SPOKEN_IN.get(country, "en")
