"""Where most people have their mail, to ask "did you mean gmail.com?"."""

from difflib import get_close_matches

# The large ones, and real ones that look like them: what stands here is never asked about.
_COMMON = """
gmail.com googlemail.com hotmail.com hotmail.nl hotmail.be hotmail.de hotmail.fr hotmail.co.uk live.com live.nl live.be outlook.com
outlook.be outlook.de outlook.fr msn.com yahoo.com yahoo.de yahoo.fr yahoo.co.uk ymail.com icloud.com me.com mac.com aol.com mail.com
email.com gmx.net gmx.de gmx.com gmx.at web.de t-online.de freenet.de posteo.de mailbox.org proton.me protonmail.com tutanota.com
ziggo.nl kpnmail.nl kpnplanet.nl planet.nl xs4all.nl home.nl hetnet.nl casema.nl chello.nl upcmail.nl telfort.nl solcon.nl
telenet.be skynet.be proximus.be scarlet.be orange.fr
""".split()  # noqa: SIM905  # a list of a hundred lines would say no more
_ALIKE = 0.86  # the share of letters in common: gmial.com (0.89) is asked about, gmail.org (0.78) is not


def meant_domain(domain: str) -> str | None:
    """The common domain that was probably meant; None for one that is common itself, or like none."""
    asked = domain.lower()
    if asked in _COMMON:
        return None
    return next(iter(get_close_matches(asked, _COMMON, 1, _ALIKE)), None)
