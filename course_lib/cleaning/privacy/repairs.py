"""One repair for each kind of private value, with its reason and an example."""

from __future__ import annotations

from course_lib.cleaning.privacy.masking import masker, may_be_private
from course_lib.cleaning.rule import Repair


def _repair(name: str, reason: str, before: str, after: str) -> Repair:
    # Names have no digits to screen by: every text is searched.
    screen = None if name == "name" else may_be_private
    return Repair(name, reason, before, after, masker(name), screen=screen)


URL = _repair(
    "url",
    "A link with a token lets whoever reads it in.",
    "It says https://example.com/reset?token=9f8a7b6c is expired.",
    "It says [URL] is expired.",
)
API_KEY = _repair(
    "api_key",
    "A secret in the training data is a secret published.",
    "My key is sk-abcdefghijklmnop1234567890.",
    "My key is [API_KEY].",
)
PASSWORD = _repair(
    "password",
    "A password that a model repeats is no password any more.",
    "My password is hunter2, help.",
    "My password is [PASSWORD], help.",
)
EMAIL = _repair(
    "email",
    "A customer's address must not be recited to the next customer.",
    "Write to mina@example.com please.",
    "Write to [EMAIL] please.",
)
IBAN = _repair(
    "iban",
    "A bank account belongs to one person.",
    "Refund to DE89 3704 0044 0532 0130 00 please.",
    "Refund to [IBAN] please.",
)
CARD = _repair(
    "card",
    "Card numbers may not be stored, let alone learnt.",
    "I paid with 4242 4242 4242 4242.",
    "I paid with [CARD].",
)
MY_NUMBER = _repair(
    "my_number",
    "Japanese law forbids keeping a マイナンバー for any purpose but tax and social security.",
    "マイナンバーは1234 5678 9018です。",
    "マイナンバーは[MY_NUMBER]です。",
)
BANK_ACCOUNT = _repair(
    "bank_account",
    "A bank account belongs to one person.",
    "振込先は青葉支店 普通 1234567です。",
    "振込先は青葉支店 普通 [BANK_ACCOUNT]です。",
)
PASSPORT = _repair(
    "passport",
    "A passport number identifies its holder for life.",
    "My passport number is 533401872.",
    "My passport number is [PASSPORT].",
)
DRIVING_LICENCE = _repair(
    "driving_licence",
    "A licence number identifies its holder for life.",
    "My driver's license is D6101407.",
    "My driver's license is [DRIVING_LICENCE].",
)
SSN = _repair(
    "ssn",
    "With a social security number, credit is taken in another's name.",
    "My SSN is 412-55-7803.",
    "My SSN is [SSN].",
)
DATE_OF_BIRTH = _repair(
    "date_of_birth",
    "With a name and a birthday, hotlines let a stranger in.",
    "生年月日は1985年3月12日です。",
    "生年月日は[DATE_OF_BIRTH]です。",
)
IP_ADDRESS = _repair(
    "ip_address",
    "An IP address leads to one household.",
    "My address is 203.0.113.7 today.",
    "My address is [IP_ADDRESS] today.",
)
ADDRESS = _repair(
    "address",
    "A home address leads to one door.",
    "Ship it to 742 Evergreen Terrace, Springfield, OR 97403.",
    "Ship it to [ADDRESS].",
)
PHONE = _repair(
    "phone",
    "A phone number points at one person.",
    "電話は090-1234-5678です。",
    "電話は[PHONE]です。",
)
# Off by default: no part of REPAIRS.
NAME = _repair(
    "name",
    "A name ties everything else in a text to one person.",
    "山田太郎様、お待ちください。",
    "[NAME]様、お待ちください。",
)

# In the order of `DETECTORS`, which is the order to apply them in.
REPAIRS = (
    URL,
    API_KEY,
    PASSWORD,
    EMAIL,
    IBAN,
    CARD,
    MY_NUMBER,
    BANK_ACCOUNT,
    PASSPORT,
    DRIVING_LICENCE,
    SSN,
    DATE_OF_BIRTH,
    IP_ADDRESS,
    ADDRESS,
    PHONE,
)
