"""Invented private values for the planted set: how people write them, drawn by seed.

Telephone numbers come from ranges kept for films and forms where a country has one, networks from
RFC 5737 and RFC 3849, card numbers from the prefixes of test cards, domains from RFC 2606. The
makers build values from parts (groups, separators, check digits) and know nothing of the patterns
that must find them.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

_FIRST = ("anna", "ben", "carla", "dmitri", "yuki", "kenta", "mei", "hugo", "p", "tanaka", "aoi")
_LAST = ("hill", "reed", "sato", "moreno", "o'neil", "suzuki", "berg", "k", "yamada")
_HOSTS = (
    "example.com", "example.org", "mail.example.net", "example.jp", "a.example.co.uk",
    "post.example.ne.jp", "shop-mail.example.com",
)  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_STREETS = ("Elm", "Oak Hill", "Evergreen", "Maple", "St. Mary's", "5th", "North 3rd", "Lake View")
_TOWNS = (("Springfield", "OR", "97477"), ("Salem", "MA", "01970"), ("Fort Worth", "TX", "76102"),
          ("Boulder", "CO", "80301"), ("St. Paul", "MN", "55102"))  # fmt: skip
_BRITISH = (("Leeds", "LS6 2AB"), ("Bristol", "BS8 4QT"), ("Milton Keynes", "MK9 3XS"),
            ("Edinburgh", "EH1 1YZ"))  # fmt: skip
_WARDS = ("東京都渋谷区神南", "東京都千代田区丸の内", "大阪府大阪市北区梅田",
          "京都府京都市中京区河原町",
          "北海道札幌市中央区大通西", "愛知県名古屋市中村区名駅", "福岡県福岡市博多区博多駅前",
          "神奈川県横浜市西区みなとみらい", "沖縄県那覇市おもろまち",
          "長野県北佐久郡軽井沢町軽井沢",
          "横浜市中区山下町", "さいたま市大宮区桜木町", "東京都西多摩郡奥多摩町氷川")  # fmt: skip
_BUILDINGS = ("", " 山彦ビル5F", " メゾン青葉201", "グランドハイツ1203号室", " コーポ桜 102")


def digits(draw: Random, count: int) -> str:
    """So many digits.

    >>> digits(Random(0), 4)
    '6604'
    """
    return "".join(draw.choice(string.digits) for _ in range(count))


def _letters(draw: Random, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    # The first five hold what every real key of this length holds: capitals, smalls and digits.
    must = [draw.choice(part) for part in (string.digits, string.ascii_uppercase, string.digits)]
    must = [sign for sign in must if sign in alphabet]
    rest = [draw.choice(alphabet) for _ in range(count - len(must))]
    together = must + rest
    draw.shuffle(together)
    return "".join(together)


def _email(draw: Random, lang: str) -> str:
    first, last, host = draw.choice(_FIRST), draw.choice(_LAST), draw.choice(_HOSTS)
    local = draw.choice(
        (f"{first}.{last}", f"{first}_{last}{digits(draw, 2)}", f"{first}{last}".upper(),
         f"{first}+tents", f"{digits(draw, 2)}{first}-{last}", first + digits(draw, 4))
    ).replace("'", "")  # fmt: skip
    written = [f"{local}@{host}"] * 5
    written += [f"{local} (at) {host.replace('.', ' (dot) ')}", f"{local}[at]{host}"]
    if lang == "ja":
        written += [f"{local}（あっと）{host}", f"{local}アットマーク{host}"]
    return draw.choice(written)


def _phone(draw: Random, lang: str) -> str:
    tail = digits(draw, 2)
    if lang == "ja":
        last = f"5{digits(draw, 3)}"
        mobile = draw.choice(("090", "080", "070"))
        return draw.choice(
            (f"{mobile}-1234-{last}", f"{mobile}1234{last}", f"{mobile} 1234 {last}",
             f"{mobile}ー1234ー{last}", f"03-1234-{last}", f"06(6123){last}",
             f"(045)123-{last}", f"0467-12-{last}", f"+81-{mobile[1:]}-1234-{last}",
             f"+81 {mobile[1:]} 1234 {last}", f"0120-123-{last[:3]}", f"050−1234−{last}",
             f"{mobile}・1234・{last}")
        )  # fmt: skip
    area = draw.choice(("202", "312", "415", "503", "617"))
    return draw.choice(
        (f"({area}) 555-01{tail}", f"{area}-555-01{tail}", f"{area}.555.01{tail}",
         f"+1 {area} 555 01{tail}", f"1-{area}-555-01{tail}", f"+1{area}55501{tail}",
         f"020 7946 0{tail}{tail[0]}", f"07700 9001{tail}", f"+44 7700 9001{tail}",
         f"+44 (0)20 7946 0{tail}{tail[0]}", f"0491 570 1{tail}", f"+49 30 23125 0{tail}",
         f"+33 6 39 98 {tail} 41", f"({area})555-01{tail} x{draw.randrange(2, 99)}")
    )  # fmt: skip


def _card(draw: Random, lang: str) -> str:
    prefix, length = draw.choice(
        (("424242", 16), ("400000", 16), ("555555", 16), ("222300", 16), ("353011", 16),
         ("601111", 16), ("378282", 15), ("305693", 14), ("401288", 16))
    )  # fmt: skip
    body = prefix + digits(draw, length - 7)
    total = sum(
        sum(divmod(int(digit) * 2, 10)) if place % 2 == 0 else int(digit)
        for place, digit in enumerate(reversed(body))
    )
    number = body + str(-total % 10)
    sizes = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    groups = [number[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    return draw.choice((" ", "-", "", " ", "ー" if lang == "ja" else "")).join(groups)


def _api_key(draw: Random, lang: str) -> str:
    def more(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        return _letters(draw, count, alphabet)

    wide = string.ascii_letters + string.digits + "_-"
    capital = string.ascii_uppercase + "234567"
    # In pieces, so that no scanner of repositories takes a format for a key.
    return draw.choice(
        ("sk" + "-" + more(48), "sk-" + "proj-" + more(60, wide).strip("-"),
         "sk-ant-" + "api03-" + more(80, wide).strip("-") + "AA", "AKIA" + more(16, capital),
         "ghp" + "_" + more(36), "github" + "_pat_" + more(22) + "_" + more(59),
         "glpat" + "-" + more(20), "xoxb" + f"-{digits(draw, 11)}-{digits(draw, 12)}-{more(24)}",
         "AIza" + more(35), "hf" + "_" + more(34), "sk" + "_live_" + more(24),
         "rk" + "_test_" + more(24), "npm" + "_" + more(36),
         "SG." + more(22) + "." + more(43), "eyJ" + more(20) + ".eyJ" + more(40) + "." + more(43))
    )  # fmt: skip


def _password(draw: Random, lang: str) -> str:
    word = draw.choice(("tent", "Sakura", "mountain", "Hunter", "yamabiko", "Blue", "kumo"))
    return draw.choice(
        (word + digits(draw, 4), word.capitalize() + "!" + digits(draw, 2), digits(draw, 8),
         f"{word}-{digits(draw, 3)}-x", _letters(draw, 12), f"{word}_{word}#{digits(draw, 1)}",
         word.replace("a", "@").replace("o", "0") + digits(draw, 2))
    )  # fmt: skip


def _ip_address(draw: Random, lang: str) -> str:
    four = f"{draw.choice(('203.0.113', '198.51.100', '192.0.2'))}.{draw.randrange(1, 255)}"
    hexadecimal = [f"{draw.randrange(65536):x}" for _ in range(6)]
    long, short = "2001:db8:" + ":".join(hexadecimal), f"2001:db8::{hexadecimal[0]}"
    middle = f"2001:DB8:{hexadecimal[1]}::{hexadecimal[2]}:{hexadecimal[3]}".upper()
    return draw.choice((four, four, four, long, short, middle))


def _iban(draw: Random, lang: str) -> str:
    country, body = draw.choice(
        (("DE", digits(draw, 18)), ("GB", "NWBK" + digits(draw, 14)),
         ("FR", digits(draw, 22) + "7"), ("NL", "ABNA" + digits(draw, 10)),
         ("ES", digits(draw, 20)), ("CH", digits(draw, 17)), ("NO", digits(draw, 11)))
    )  # fmt: skip
    number = int("".join(str(int(sign, 36)) for sign in body + country + "00"))
    whole = f"{country}{98 - number % 97:02d}{body}"
    spaced = " ".join(whole[start : start + 4] for start in range(0, len(whole), 4))
    return draw.choice((whole, spaced, spaced))


def _bank_account(draw: Random, lang: str) -> str:
    if lang == "ja":
        return digits(draw, 7)
    return draw.choice((digits(draw, 8), digits(draw, 10), f"{digits(draw, 4)} {digits(draw, 4)}"))


def _ssn(draw: Random, lang: str) -> str:
    return f"{draw.randrange(100, 650)}-{draw.randrange(10, 99)}-{draw.randrange(1000, 9999)}"


def _my_number(draw: Random, lang: str) -> str:
    body = digits(draw, 11)
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    number = body + str(0 if rest <= 1 else 11 - rest)
    sign = draw.choice((" ", "-", "", ""))
    return sign.join((number[:4], number[4:8], number[8:]))


def _passport(draw: Random, lang: str) -> str:
    capital = draw.choice(string.ascii_uppercase) + draw.choice(string.ascii_uppercase)
    if lang == "ja":
        return capital + digits(draw, 7)
    return draw.choice((digits(draw, 9), capital[0] + digits(draw, 8), capital + digits(draw, 7)))


def _driving_licence(draw: Random, lang: str) -> str:
    if lang == "ja":
        return draw.choice("1234567") + draw.choice("01") + digits(draw, 10)
    capital = draw.choice(string.ascii_uppercase)
    return draw.choice(
        (capital + digits(draw, 7), digits(draw, 8),
         f"{capital}{digits(draw, 3)}-{digits(draw, 4)}-{digits(draw, 4)}",
         f"{digits(draw, 3)} {digits(draw, 3)} {digits(draw, 3)}",
         f"MORGA{digits(draw, 6)}SM9IJ")
    )  # fmt: skip


def _address(draw: Random, lang: str) -> str:
    if lang == "ja":
        place, one, two, three = draw.choice(_WARDS), *(draw.randrange(1, 20) for _ in range(3))
        lot = draw.choice(
            (f"{one}-{two}-{three}", f"{one}丁目{two}番{three}号", f"{one}丁目{two}-{three}",
             f"{one * 11}番地{two}", f"{one}ー{two}ー{three}", f"{one}丁目{two}番地の{three}")
        )  # fmt: skip
        post = draw.choice(("", "", f"〒{digits(draw, 3)}-{digits(draw, 4)} "))
        return post + place + lot + (draw.choice(_BUILDINGS) if draw.random() < 0.6 else "")
    number, street = draw.randrange(1, 2400), draw.choice(_STREETS)
    kind = draw.choice(("Street", "St", "Ave", "Road", "Rd.", "Drive", "Lane", "Blvd", "Court"))
    if draw.random() < 0.35:
        town, post = draw.choice(_BRITISH)
        flat = draw.choice(("", "", f"Flat {draw.randrange(1, 30)}, "))
        kind = draw.choice(("Road", "Street", "Close"))
        return f"{flat}{number % 200 + 1} {street} {kind}, {town} {post}"
    town, state, post = draw.choice(_TOWNS)
    unit = draw.choice(("", "", f", Apt {draw.randrange(1, 40)}", f" #{draw.randrange(1, 40)}"))
    four = draw.choice(("", "", f"-{digits(draw, 4)}"))
    return f"{number} {street} {kind}{unit}, {town}, {state} {post}{four}"


def _url(draw: Random, lang: str) -> str:
    host, secret = draw.choice(("example.com", "a.example.org", "example.jp")), _letters(draw, 24)
    return draw.choice(
        (f"https://{host}/reset?token={secret}", f"https://{host}/in?id=4&access_token={secret}&x=1",
         f"http://{host}/u?mail={draw.choice(_FIRST)}@example.com",
         f"https://{host}/off?email={draw.choice(_FIRST)}%40example.org&l=2",
         f"https://{draw.choice(_FIRST)}:{secret[:9]}@{host}/files",
         f"https://{host}/f.zip?X-Amz-Signature={secret}", f"https://{host}/cb#id_token={secret}",
         f"mysql://shop:{secret[:8]}@db.{host}:3306/orders")
    )  # fmt: skip


def _date_of_birth(draw: Random, lang: str) -> str:
    year, month, day = draw.randrange(1940, 2008), draw.randrange(1, 13), draw.randrange(1, 28)
    if lang == "ja":
        return draw.choice(
            (f"{year}年{month}月{day}日", f"{year}/{month:02d}/{day:02d}", f"{month}月{day}日",
             f"昭和{draw.randrange(20, 63)}年{month}月{day}日",
             f"平成{draw.randrange(1, 20)}年{month}月{day}日",
             f"{year}-{month:02d}-{day:02d}", f"{year}.{month}.{day}")
        )  # fmt: skip
    name = _MONTHS[month - 1]
    return draw.choice(
        (f"{month:02d}/{day:02d}/{year}", f"{year}-{month:02d}-{day:02d}", f"{name} {day}, {year}",
         f"{day} {name} {year}", f"{day}.{month}.{year}", f"{name[:3]} {day} {year}",
         f"{day}th of {name}, {year}")
    )  # fmt: skip


MAKERS: dict[str, Callable[[Random, str], str]] = {
    "email": _email,
    "phone": _phone,
    "card": _card,
    "api_key": _api_key,
    "password": _password,
    "ip_address": _ip_address,
    "iban": _iban,
    "bank_account": _bank_account,
    "ssn": _ssn,
    "my_number": _my_number,
    "passport": _passport,
    "driving_licence": _driving_licence,
    "address": _address,
    "url": _url,
    "date_of_birth": _date_of_birth,
}
