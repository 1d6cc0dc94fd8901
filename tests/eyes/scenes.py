"""What a recipient can come to see: every page, in every state that looks different."""

from collections.abc import Callable

from landing.attempts import MISSES, PAUSE
from tests.eyes.browser import Visit

Scene = Callable[[Visit], object]


def page(visit: Visit) -> None:
    visit.open()


def mistakes(visit: Visit) -> None:
    visit.open()
    visit.page.fill('input[name="mail"]', "anna")
    visit.send_unchecked()


def suggestion(visit: Visit) -> None:
    visit.open()
    fill(visit)
    visit.page.fill('input[name="mail"]', "anna@gmial.com")
    visit.send()


def taken_for_a_program(visit: Visit) -> None:
    visit.open()
    fill(visit)
    visit.page.evaluate("document.querySelector('.away input').value = 'x'")
    visit.send()


def answered_before(visit: Visit) -> None:
    visit.open()
    answer(visit)
    visit.follow(".back a")


def thanks(visit: Visit) -> None:
    visit.open()
    answer(visit)


def variant_for_families(visit: Visit) -> None:
    visit.page.goto(visit.world.link("page", visit.world.family(visit.language, "pictures")))


def survey(visit: Visit) -> None:
    visit.open(campaign="survey")


def survey_mistake(visit: Visit) -> None:
    visit.open(campaign="survey")
    visit.choose("score", "1")
    visit.send()
    visit.send_unchecked()


def survey_resumed(visit: Visit) -> None:
    message_id = visit.open(campaign="survey")
    visit.choose("score", "5")
    visit.send()
    visit.page.goto(visit.world.link("page", message_id))


def survey_results(visit: Visit) -> None:
    visit.open(campaign="survey")
    visit.choose("score", "5")
    visit.send()
    visit.page.fill('input[name="mail"]', "anna@example.com")
    visit.send()


def opt_out(visit: Visit) -> None:
    visit.open("opt_out")


def opted_out(visit: Visit) -> None:
    visit.open("opt_out")
    visit.send()


def reason_told(visit: Visit) -> None:
    opted_out(visit)
    visit.page.locator(".option").first.click()
    visit.send("form.apart button")


def centre(visit: Visit) -> None:
    visit.open("preferences")


def centre_saved(visit: Visit) -> None:
    visit.open("preferences")
    visit.page.locator('select[name="pause:offers"]').select_option(index=1)
    visit.send()


def join(visit: Visit) -> None:
    visit.go("/join/newsletter")


def join_mistakes(visit: Visit) -> None:
    join(visit)
    visit.page.fill('input[name="email"]', "anna")
    visit.send_unchecked()


def asked_to_join(visit: Visit) -> None:
    join(visit)
    visit.page.fill('input[name="email"]', "anna@example.com")
    visit.send()


def confirm(visit: Visit) -> None:
    visit.page.goto(visit.world.link("confirm", visit.world.asked_to_join(visit.language)))


def joined(visit: Visit) -> None:
    confirm(visit)
    visit.send()


def my_data_asked(visit: Visit) -> None:
    visit.open("preferences")
    visit.send('form[action$="/my-data"] button')


def my_data_door(visit: Visit) -> None:
    visit.page.goto(visit.world.link("my_data", visit.world.asked_for_data(visit.language)))


def my_data(visit: Visit) -> None:
    my_data_door(visit)
    visit.send()
    for each in visit.page.locator("summary").all():
        each.click()


def my_data_mistake(visit: Visit) -> None:
    my_data(visit)
    visit.page.fill('input[name="phone"]', "12")
    visit.send("form.apart button")


def my_data_erase(visit: Visit) -> None:
    my_data(visit)
    visit.follow("p.apart a")


def my_data_erased(visit: Visit) -> None:
    my_data_erase(visit)
    visit.send('main form[action$="/erase"] button')


def code(visit: Visit) -> None:
    visit.go("/")


def code_wrong(visit: Visit) -> None:
    visit.go("/")
    visit.page.fill("#code", "7K3QX-9MPTZ")
    visit.send()


def lost(visit: Visit) -> None:
    visit.go("/p/x")


def too_much(visit: Visit) -> None:
    visit.open()
    visit.page.evaluate(
        "for (const box of document.querySelectorAll('textarea')) { box.maxLength = 200000; box.value = 'x'.repeat(100000) }"
    )
    visit.send_unchecked()


def away(visit: Visit) -> None:
    visit.page.goto(visit.world.link("page", 1).replace(visit.world.address, visit.world.away))


def guessed_too_often(visit: Visit) -> None:
    for _ in range(MISSES):
        visit.page.request.post(f"{visit.world.address}/c", form={"code": "0000000000"})
    visit.go("/")
    visit.page.fill("#code", "0000000000")
    visit.send()
    visit.world.clock.put(visit.world.clock.now() + PAUSE)


def fill(visit: Visit) -> None:
    """Answer what has to be answered."""
    visit.choose("interest", "cooking")
    visit.choose("score", "4")


def answer(visit: Visit) -> None:
    """Answer, and come to the thanks."""
    fill(visit)
    visit.send()


SCENES: tuple[Scene, ...] = (
    page, mistakes, suggestion, taken_for_a_program, answered_before, thanks, variant_for_families,
    survey, survey_mistake, survey_resumed, survey_results,
    opt_out, opted_out, reason_told, centre, centre_saved, join, join_mistakes, asked_to_join, confirm, joined,
    my_data_asked, my_data_door, my_data, my_data_mistake, my_data_erase, my_data_erased,
    code, code_wrong, lost, too_much, away, guessed_too_often,
)  # fmt: skip
