"""Private values that customers type into a support thread: all invented, all well-formed.

Numbers come from ranges kept for examples (555-01xx, the card prefix 4000 00, example domains),
so nobody's real number stands in the data.
"""

from __future__ import annotations

import string
from random import Random

from course_lib.yamabiko.facts import CLOSING, GLUE
from course_lib.yamabiko.threads import Thread
from course_lib.yamabiko.width import wide

_SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "phone": {
        "en": ("You can call me at {}.", "My phone number is {}.", "Call {} after work."),
        "ja": ("電話は{}です。", "携帯は{}です。", "{}に電話してください。"),
    },
    "email": {
        "en": ("Write to {} please.", "My e-mail is {} as always.", "Send it to {} today."),
        "ja": ("メールは{}です。", "{}に送ってください。", "返事は{}にお願いします。"),
    },
    "card_number": {
        "en": ("I paid with card {}.", "My card number is {} by the way.", "Use my card {} again."),
        "ja": ("カード番号は{}です。", "カード{}で払いました。"),
    },
    "api_key": {
        "en": ("Our shop robot uses the key {} for you.", "My API key is {} if you need it."),
        "ja": ("APIキーは{}です。", "キー{}を使っています。"),
    },
}
_NOTED = {"en": "I noted {}.", "ja": "{}を記録しました。"}


def reveal(thread: Thread, draw: Random, kind: str) -> None:
    """Let the customer type a private value, and at times the agent repeat it.

    A third of the Japanese values are typed full-width, as phones there do it.

    Args:
        thread: A clean thread; changed in place.
        draw: Chooses the value and the words.
        kind: "phone", "email", "card_number" or "api_key".
    """
    make = {"phone": _phone, "email": _email, "card_number": _card, "api_key": _api_key}[kind]
    value = make(draw, thread.lang)
    thread.kinds.append(kind)
    thread.note = f"a private value: {kind.replace('_', ' ')}"
    if thread.lang == "ja" and kind != "api_key" and draw.random() < 0.33:
        value = wide(value)
        thread.kinds.append("full_width")
        thread.note += ", typed full-width"
    said = draw.choice(_SAID[kind][thread.lang]).format(value)
    glue = GLUE[thread.lang]
    thread.messages[0]["content"] = glue.join((thread.messages[0]["content"], said))
    if draw.random() < 0.3:
        answer = thread.messages[-1]["content"].removesuffix(CLOSING[thread.lang])
        noted = _NOTED[thread.lang].format(value)
        thread.messages[-1]["content"] = f"{answer}{noted}{glue}{CLOSING[thread.lang]}"
        thread.note += ", repeated by the agent"
    thread.planted.append(value)


def _phone(draw: Random, lang: str) -> str:
    last = f"{draw.randrange(100):02d}"
    if lang == "ja":
        # 1234-5xxx is what forms print as an example.
        end = f"1234-5{draw.randrange(10)}{last}"
        plain = draw.choice((f"090-{end}", f"080-{end}", f"070-{end}"))
        return draw.choice((plain, plain, f"+81 {plain[1:].replace('-', ' ')}"))
    area = draw.choice(("202", "312", "415", "503", "617"))
    ways = (f"({area}) 555-01{last}", f"{area}-555-01{last}", f"+1 {area} 555 01{last}")
    return draw.choice(ways)


def _email(draw: Random, lang: str) -> str:
    names = (
        "anna",
        "ben.hill",
        "carla_m",
        "d.reed",
        "yuki.sato",
        "tanaka",
        "mei",
        "hugo77",
        "kenta",
    )
    domain = draw.choice(("example.com", "example.org", "mail.example.net", "example.jp"))
    return f"{draw.choice(names)}{draw.randrange(10, 100)}@{domain}"


def _card(draw: Random, lang: str) -> str:
    digits = [4, 0, 0, 0, 0, 0, *(draw.randrange(10) for _ in range(9))]
    # The Luhn check digit: every second digit doubled, counted from the right.
    doubled = [
        sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit
        for place, digit in enumerate(digits)
    ]
    digits.append(-sum(doubled) % 10)
    text = "".join(map(str, digits))
    separator = draw.choice((" ", "-", ""))
    return separator.join(text[start : start + 4] for start in range(0, 16, 4))


def _api_key(draw: Random, lang: str) -> str:
    letters = string.ascii_letters + string.digits
    prefix, length, alphabet = draw.choice(
        (
            ("sk-", 48, letters),
            ("ghp_", 36, letters),
            ("hf_", 34, letters),
            ("AKIA", 16, string.ascii_uppercase + "234567"),
        )
    )
    return prefix + "".join(draw.choice(alphabet) for _ in range(length))
