from pathlib import Path

import pytest

from contactflow.settings import Settings, read_secrets, read_settings
from customers.conditions.vocabulary import AttributeKind
from engine.metrics import BUILT_IN, MetricSpec
from engine.tracking import Tracking
from store.errors import NotFoundError, SettingsError


def settings_of(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "contactflow.toml").write_text(text)
    return read_settings(tmp_path)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "").workspace.timezone == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[workspace]\nnaam = 'x'", 2, "'workspace.naam' is not a setting. Did you mean 'name'?"),
        ("[emial]\nhost = 'x'", 1, "'emial' is not a setting. Did you mean 'email'?"),
        ("\n[workspace]\ntimezone = 'Mars'", 3, "is not a time zone"),
        ("[landing]\nport = 99999", 2, "landing.port"),
        ("[email]\ntransport = 'pigeon'", 2, "cannot be 'pigeon'. Choose 'inbox', 'smtp' or 'sendgrid'"),
        ("[email]\nhost = 'x'\ntransport = ['smtp', 'pigeon']", 3, "email.transport cannot be 'pigeon'"),
        ("[email]\ntransport = ['smtp', 'smtp']", 2, "names a provider twice"),
        ("[email]\ntransport = ['smtp', 'inbox']", 2, "stands alone"),
        ("[email]\ntransport = []", 2, "names no provider. Write"),
        ("[email]\nsender = 'nobody'", 2, "email.sender"),
        ("[limits.email]\nreceivers_at_once = {'Gmail' = 2}", 2, "'Gmail' is not a domain in small letters"),
        ("[limits.email]\npace = '1 a minute'\nreceivers_at_once = {'gmail.com' = 0}", 1, "limits.email.receivers_at_once.gmail.com"),
        ("[email]\nbounce_domain = 'a b'", 2, "email.bounce_domain cannot be 'a b'. It is: The domain that bounces come back to."),
        (
            "[[email.dkim]]\nselector = 'a'\nkey = 'x'\n[[email.dkim]]\nkey = 'y'\nselector = 'a b'",
            6,
            "cannot be 'a b'. It is: Under which",
        ),
        ("[attributes]\nage = 'integer'", 1, "attribute 'age' is built in"),
        ("[attributes]\n'Bad Name' = 'text'", 1, "cannot be the name of an attribute"),
        (
            "[segments]\ngood = \"city = 'Delft'\"\nbad = 'citty = 1'",
            3,
            "segment 'bad': there is no attribute 'citty'",
        ),
        ("[segments]\na = 'in segment b'\nb = 'in segment a'", 2, "leads back to itself"),
        ("[attributes]\nrecency = 'whole'", 2, "cannot be 'whole'"),
        (
            "[tracking]\nclicks = true\npurpose = 'profil'\n[consent]\npurposes = ['profile']",
            3,
            "no purpose 'profil'. Did you mean 'profile'?",
        ),
        ("[tracking]\nutm_domains = ['https://shop.nl/']", 2, "is not a domain in small letters"),
        ("[preferences]\ntopics = {Fresh = 'Fruit'}", 2, "'Fresh' cannot name a topic"),
        ("[preferences]\ntopics = {fresh = {fr = 'Fruits'}}", 2, "'fr' is not a language of the pages"),
        ("[preferences]\ntopics = {fresh = ' '}", 2, "there is no text for 'fresh'"),
        ("\n[preferences]\ntitles = {offer = 'Offers'}", 3, "there is no purpose 'offer'. Did you mean 'offers'?"),
        ("[programme]\nholdout = '20%'", 2, "programme.holdout: must be 1% to 10%"),
        ("[programme]\nholdout = '0.5%'", 2, "must be 1% to 10%"),
        ("[programme]\nholdout = 'five'", 2, "must be a percentage such as 5%"),
        ("[segments]\nbig = \"city = 'Delft'\"\n[strategy.bigg]\nresult = 'more'", 4, "no segment 'bigg'. Did you mean 'big'?"),
        ("[segments]\nbig = \"city = 'Delft'\"\n[strategy.big]\nchannel = 'fax'", 4, "cannot be 'fax'"),
        ("[metrics.gain]\nof = 'margn'", 2, "metrics.gain.of cannot be 'margn'"),
        ("[metrics.gain]\nof = 'margn'", 2, "Did you mean 'margin'?"),
        ("[metrics.gain]\nper = 'orders'", 1, "metrics.gain.of has to be written"),
        ("[metrics.gain]\nof = 'margin'\nwinsorize = '99%'", 3, "'metrics.gain.winsorize' is not a setting. Did you mean 'winsorise'?"),
        ("[metrics.gain]\nof = 'margin'\nmargin = 'a third'", 3, "'a third' is not a share"),
        ("[metrics.gain]\nof = 'margin'\nwithin = 'a month'", 3, "'a month' is not a duration"),
        ("[sms]\n[metrics.gain]\nof = 'spend'\nmargin = '30%'", 2, "a share of `margin` says nothing here"),
        ("[metrics.gain]\nof = 'spend'\nper = 'spend'", 1, "makes 1"),
        ("[metrics.gain]\nof = 'visit'\nwinsorise = '99%'", 1, "nothing can be cut off"),
        ("[metrics.gain]\nof = 'spend'\nwinsorise = '100%'", 1, "nothing can be cut off"),
        ("[metrics.gain]\nof = 'spend'\nguardrail = '0.5 points'", 1, "a guardrail in points is for shares, and this is an amount"),
        ("[metrics.gone]\nof = 'opt_out'\nguardrail = 0.5", 1, "in points, fewer than 100"),
        ("[metrics.gone]\nof = 'opt_out'\nguardrail = '150 points'", 1, "in points, fewer than 100"),
        ("[metrics.gone]\nof = 'opt_out'\nguardrail = 'half'", 3, "'half' is not a lift"),
        ("[metrics.purchase]\nof = 'purchase'", 1, "'purchase' is a metric already"),
        ("[metrics.'My own']\nof = 'purchase'", 1, "'My own' cannot be a name"),
    ],
)
def test_every_fault_is_told_with_its_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(tmp_path, text)
    assert f"contactflow.toml:{line}:1: " in str(error.value)
    assert told in str(error.value)


def test_metrics_are_declared_with_the_words_that_flows_use(tmp_path: Path) -> None:
    text = """
[metrics.margin]
of = "margin"
margin = "35%"
within = "4  weeks"
winsorise = "99%"
[metrics.basket]
of = "spend"
per = "orders"
guardrail = 1.5
[metrics.opt_outs]
of = "opt_out"
better = "less"
guardrail = "0.5 points"
"""
    measured = settings_of(tmp_path, text).measured
    assert list(measured) == [*BUILT_IN, "margin", "basket", "opt_outs"]
    assert measured["margin"] == MetricSpec("margin", "margin", within_seconds=28 * 86_400, margin_share=0.35, winsorise=0.99)
    assert measured["basket"] == MetricSpec("basket", "spend", per="orders", guardrail=1.5)
    assert measured["opt_outs"] == MetricSpec("opt_outs", "opt_out", better="less", guardrail=0.005)
    assert [measured[name].unit for name in ("margin", "basket", "opt_outs")] == ["money", "money", "share"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(tmp_path, "[workspace]\nx = 1\n[sms]\ny = 2")
    assert str(error.value).count("is not a setting") == 2


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"contactflow\.toml: "):
        settings_of(tmp_path, "[workspace\n")


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="contactflow init"):
        read_settings(tmp_path)


def test_secrets_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# keys\nCONTACTFLOW_SECRET_KEY='from the file'\nCONTACTFLOW_SMTP_PASSWORD=p=w\n")
    assert read_secrets(tmp_path, {}).secret_key == "from the file"
    given = read_secrets(tmp_path, {"CONTACTFLOW_SECRET_KEY": "from outside"})
    assert (given.secret_key, given.smtp_password, given.database_url) == ("from outside", "p=w", None)


def test_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    assert "hidden" not in repr(read_secrets(tmp_path, {"CONTACTFLOW_SECRET_KEY": "hidden"}))


def test_nothing_is_followed_unless_asked_for_and_marks_name_the_organisation(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "").tracking.of("Van Dijk & Daughters") == Tracking(utm_source="van-dijk-daughters")
    asked = settings_of(tmp_path, "[tracking]\nclicks = true\nutm_source = 'Letter'\nutm_domains = ['shop.nl']\npurpose = 'offers'")
    expected = Tracking(clicks=True, purpose="offers", utm_source="Letter", utm_domains=("shop.nl",))
    assert asked.tracking.of("Shop") == expected


def test_a_topic_is_an_attribute_that_conditions_may_name(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[preferences]\ntopics = {fresh = 'Fruit'}\n[segments]\ncooks = 'topic_fresh'")
    assert settings.known == {"topic_fresh": AttributeKind.BOOLEAN}
    assert settings.preferences.offered(settings.consent.purposes).title("offers", "nl") == "offers"
