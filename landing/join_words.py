"""What the pages say to whoever asks to join and confirms it, in each language."""

from collections.abc import Mapping
from types import MappingProxyType

SAID: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "join": "Sign me up",
            "asked_title": "Look into your mailbox",
            "asked": "We have sent a mail to the address that you filled in. You are in as soon as you press the button in it.",
            "asked_nothing": "No mail after a few minutes? Look among the unwanted mail, or fill in the form again and look for a typing "
            "mistake. Whoever gets our mails already gets no other one now.",
            "confirm_title": "Shall we sign you up?",
            "confirm": "With this address somebody asked for “{purpose}” from {sender}. If it was you, press the button.",
            "agreed": "This is what you agree to:",
            "yes": "Yes, sign me up",
            "not_me": "Was it not you? Then do nothing. Nobody is signed up without this button, and we forget the address.",
            "done_title": "You are in",
            "done": "Thank you. From now on you receive “{purpose}” from {sender} by e-mail, until you stop it: a link to do so stands in "
            "each mail.",
            "preferences": "Choose what you receive",
            "stopped_title": "You have asked us to stop",
            "stopped": "That was after you filled in the form, so that it holds. If you do want our mails, fill in the form once more.",
        },
        "nl": {
            "join": "Meld me aan",
            "asked_title": "Kijk in je mailbox",
            "asked": "We hebben een mail gestuurd naar het adres dat je invulde. Je bent aangemeld zodra je op de knop daarin drukt.",
            "asked_nothing": "Na een paar minuten nog geen mail? Kijk bij de ongewenste mail, of vul het formulier opnieuw in en let op "
            "typefouten. Wie onze mails al krijgt, krijgt nu geen andere.",
            "confirm_title": "Zullen we je aanmelden?",
            "confirm": "Met dit adres vroeg iemand om “{purpose}” van {sender}. Was jij dat? Druk dan op de knop.",
            "agreed": "Hiermee ga je akkoord:",
            "yes": "Ja, meld me aan",
            "not_me": "Was jij het niet? Doe dan niets. Zonder deze knop wordt niemand aangemeld, en vergeten we het adres.",
            "done_title": "Je bent aangemeld",
            "done": "Dank je wel. Vanaf nu krijg je “{purpose}” van {sender} per e-mail, tot je ermee stopt: in elke mail staat een link "
            "daarvoor.",
            "preferences": "Kies wat je krijgt",
            "stopped_title": "Je hebt ons gevraagd te stoppen",
            "stopped": "Dat was nadat je het formulier invulde, en daarom geldt het. Wil je onze mails toch, vul het formulier dan nog een "
            "keer in.",
        },
        "de": {
            "join": "Anmelden",
            "asked_title": "Sehen Sie in Ihr Postfach",
            "asked": "Wir haben eine Mail an die Adresse geschickt, die Sie angegeben haben. Sie sind angemeldet, sobald Sie darin auf den "
            "Knopf drücken.",
            "asked_nothing": "Nach einigen Minuten noch keine Mail? Sehen Sie bei den unerwünschten Mails nach, oder füllen Sie das "
            "Formular noch einmal aus und achten Sie auf Tippfehler. Wer unsere Mails schon bekommt, erhält jetzt keine weitere.",
            "confirm_title": "Sollen wir Sie anmelden?",
            "confirm": "Mit dieser Adresse hat jemand „{purpose}“ von {sender} angefordert. Waren Sie das? Dann drücken Sie auf den Knopf.",
            "agreed": "Dem stimmen Sie zu:",
            "yes": "Ja, anmelden",
            "not_me": "Waren Sie es nicht? Dann tun Sie nichts. Ohne diesen Knopf wird niemand angemeldet, und wir vergessen die Adresse.",
            "done_title": "Sie sind angemeldet",
            "done": "Vielen Dank. Von jetzt an erhalten Sie „{purpose}“ von {sender} per E-Mail, bis Sie es beenden: in jeder Mail steht "
            "ein Link dafür.",
            "preferences": "Auswählen, was Sie erhalten",
            "stopped_title": "Sie haben uns gebeten aufzuhören",
            "stopped": "Das war, nachdem Sie das Formular ausgefüllt hatten, und deshalb gilt es. Möchten Sie unsere Mails doch, dann "
            "füllen Sie das Formular noch einmal aus.",
        },
    }
)
