"""Mask personal data and secrets with typed placeholders: [EMAIL], [PHONE], [CARD], [API_KEY], …

from course_lib.cleaning import privacy

privacy.mask_all("Call 090-1234-5678 or write to a@b.jp")    # 'Call [PHONE] or write to [EMAIL]'
privacy.mask("a@b.jp, 090-1234-5678", "email")               # '[EMAIL], 090-1234-5678'

A model recites what it was trained on, so private values must go before training. Patterns
look around for ASCII letters instead of using \\b, which does not fire between kana and ASCII,
and they match on a folded view, because Japanese customers type ０９０－….
"""

from course_lib.cleaning.privacy.accounts import luhn
from course_lib.cleaning.privacy.masking import DETECTORS, hide, mask, mask_all, mask_nested
from course_lib.cleaning.privacy.repairs import (
    ADDRESS,
    API_KEY,
    BANK_ACCOUNT,
    CARD,
    DATE_OF_BIRTH,
    DRIVING_LICENCE,
    EMAIL,
    IBAN,
    IP_ADDRESS,
    MY_NUMBER,
    NAME,
    PASSPORT,
    PASSWORD,
    PHONE,
    REPAIRS,
    SSN,
    URL,
)

__all__ = [
    "ADDRESS",
    "API_KEY",
    "BANK_ACCOUNT",
    "CARD",
    "DATE_OF_BIRTH",
    "DETECTORS",
    "DRIVING_LICENCE",
    "EMAIL",
    "IBAN",
    "IP_ADDRESS",
    "MY_NUMBER",
    "NAME",
    "PASSPORT",
    "PASSWORD",
    "PHONE",
    "REPAIRS",
    "SSN",
    "URL",
    "hide",
    "luhn",
    "mask",
    "mask_all",
    "mask_nested",
]
