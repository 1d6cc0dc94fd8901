"""What a person wrote, without what the mail program put below or between it."""

import pytest

from channels.email.incoming.answers import body_of, written
from channels.email.incoming.opened import opened

QUOTE = "> Beste Anna\n> tot ziens\n"


@pytest.mark.parametrize(
    "below",
    [
        f"Op ma 16 nov 2026 om 10:12 schreef Winkel <news@shop.example>:\n\n{QUOTE}",
        f"Op maandag 16 november 2026 om 10:12 schreef Winkel van de Hoek in Groningen\n<news@shop.example>:\n{QUOTE}",
        f"Op 16-11-2026 om 10:12 schreef Winkel:\n{QUOTE}",
        f"Op 16 nov. 2026 om 10:12 heeft Winkel <news@shop.example> het volgende geschreven:\n\n{QUOTE}",
        f"On Mon, Nov 16, 2026 at 10:12 AM Winkel <news@shop.example> wrote:\n{QUOTE}",
        f"Am 16.11.26 um 10:12 schrieb Winkel:\n{QUOTE}",
        f"Winkel <news@shop.example> schrieb am Mo., 16. Nov. 2026, 10:12:\n\n{QUOTE}",
        f"Le lun. 16 nov. 2026 à 10:12, Winkel <news@shop.example> a écrit :\n\n{QUOTE}",
        f"El lun, 16 nov 2026 a las 10:12, Winkel (<news@shop.example>) escribió:\n\n{QUOTE}",
        f"Il giorno lun 16 nov 2026 alle ore 10:12 Winkel <news@shop.example> ha scritto:\n\n{QUOTE}",
        "On Nov 16, 2026, at 10:12, Winkel <news@shop.example> wrote:\n\nBeste Anna\n",
        "Van: Winkel <news@shop.example>\nVerzonden: maandag 16 november 2026 10:12\nAan: Anna\nOnderwerp: Welkom\n\nBeste Anna\n",
        "________________________________\nFrom: Winkel <news@shop.example>\nSent: Monday\nTo: Anna\nSubject: Welkom\n\nBeste Anna\n",
        "*Von:* Winkel <news@shop.example>\n*Gesendet:* Montag\n*An:* Anna\n*Betreff:* Welkom\n\nBeste Anna\n",
        "De : Winkel <news@shop.example>\nEnvoyé : lundi 16 novembre 2026\nÀ : Anna\nObjet : Bienvenue\n\nBonjour\n",
        "-----Oorspronkelijk bericht-----\nVan: Winkel\nBeste Anna\n",
        "----- Original Message -----\nFrom: Winkel\nBeste Anna\n",
        "Verstuurd vanaf mijn iPhone\n\n> Op 16 nov. 2026 heeft Winkel <news@shop.example> het volgende geschreven:\n> \n> Beste Anna\n",
        "Sent from my Galaxy\n",
        "-- \nAnna Jansen\nDirecteur\n",
        QUOTE,
        "",
    ],
)
def test_only_what_stands_above_the_quoted_part_was_written(below: str) -> None:
    assert written(f"Dank je, ik kom!\n\nGroet, Anna\n\n{below}") == "Dank je, ik kom!\n\nGroet, Anna"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, but I would rather have it in blue.\nCan you do that?",
        "- ja\n- nee\nliever dinsdag",
        "On Monday I wrote: nothing came of it.\nSo what now?",
        "Op dinsdag schreef ik je al dat het niet lukt.",
        "Le message précédent a connu quelques problèmes de distribution, nous vous laissons représenter l'école.",
        "From: my heart I thank you.",
        "Aan: iedereen die dit leest\nhallo",
        "1: ja\n2: nee",
    ],
)
def test_what_only_looks_like_a_quotation_is_kept(text: str) -> None:
    assert written(text) == text


def test_what_stands_below_or_between_quoted_lines_is_kept() -> None:
    text = f"Op ma 16 nov 2026 om 10:12 schreef Winkel <news@shop.example>:\n{QUOTE}Ja, graag.\n\n> en wanneer?\nDinsdag.\n"
    assert written(text) == "Ja, graag.\n\nDinsdag."


@pytest.mark.parametrize(
    "quoted",
    [
        '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">Op ma schreef:<br></div><blockquote>Beste Anna</blockquote></div>',
        '<blockquote type="cite">Beste Anna</blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Van:</b> Winkel</div><div>Beste Anna</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt"><p><b>From:</b> Winkel</p></div><p>Beste Anna</p>',
        '<div class="moz-cite-prefix">Op 16-11-2026 schreef Winkel:</div><p>Beste Anna</p>',
    ],
)
def test_of_html_only_what_stands_above_the_marked_quotation_is_read(quoted: str) -> None:
    html = f"<html><head><style>p{{}}</style></head><body><p>Ik kom &amp; neem Bert mee</p>{quoted}</body></html>"
    mail = opened(f"Content-Type: text/html; charset=utf-8\n\n{html}".encode())
    assert mail is not None
    assert written(body_of(mail)) == "Ik kom & neem Bert mee"


def test_html_that_no_reader_understands_is_still_read() -> None:
    mail = opened(b"Content-Type: text/html\n\n<p>Ja</p><![foo[ <p>graag</p>")
    assert mail is not None
    assert "Ja" in written(body_of(mail))
