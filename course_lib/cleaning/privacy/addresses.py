"""Postal addresses: Japanese ones down to the house number, and those of the US and UK style."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span

_KANJI = r"\u4e00-\u9fff々ヶケノツ"
_PLACE = rf"{_KANJI}ァ-ヴーぁ-ん"
_PREFECTURE = (
    "(?:北海道|東京都|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川"
    "|新潟|富山|石川|福井|山梨|長野|岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口"
    "|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県)"
)
_KANA_CITY = (
    "(?:さいたま|つくば(?:みらい)?|いわき|ひたちなか|かすみがうら|つがる|にかほ|うきは|えびの|うるま"
    "|あわら|かほく|たつの|さぬき|東かがわ|みよし|みやま|いなべ|いすみ|みどり|ふじみ野|さくら|南アルプス"
    "|おいらせ|せたな|みなかみ|かつらぎ|あきる野|あま|むつ)(?:市|町)"
)
_NUMBER = "(?:[0-9]{1,4}|[一二三四五六七八九十〇百]{1,4})"
_LOT_SIGN = r"(?:条(?:通)?(?:西|東|南|北)?|丁目|番地の?|番町?|号|[-の])"
_LOT = rf"{_NUMBER}{_LOT_SIGN}\s?(?:{_NUMBER}(?:{_LOT_SIGN}\s?{_NUMBER}){{0,3}}(?:丁目|番地|番|号室|号(?!室)|階)?)?"
_LONG_LOT = rf"(?:{_NUMBER}(?:丁目|番地)|{_NUMBER}[-の番]{_NUMBER}[-の号]{_NUMBER}|{_NUMBER}条[西東南北])"
_BUILDING_WORD = (
    "(?:ビル|マンション|ハイツ|コーポ|アパート|荘|タワー|ハウス|レジデンス|メゾン|パレス|ヒルズ|プラザ"
    "|寮|団地|棟|コート|テラス|ヴィラ|ガーデン|ハイム|スクエア|センター|シャトー|ドミール|パーク|サンライズ|館)"
)
_NAME = rf"[\u4e00-\u9fff々ァ-ヴーA-Za-z・&'][{_KANJI}ァ-ヴーA-Za-z・&'の]"
_ROOM = r"(?:\s?[A-Z]?-?[0-9]{1,4}(?:号室|号棟|号|階|F)?(?![0-9円個枚名本月年日時点]))"
_BUILDING = (
    rf"(?:\s?(?=[{_KANJI}ァ-ヴーA-Za-z・&]{{0,18}}?{_BUILDING_WORD}){_NAME}{{1,24}}{_ROOM}{{0,2}}"
    rf"|[ \n]{_NAME}{{1,18}}\s?[0-9]{{2,4}}(?:号室|号|F|階)?(?![0-9円個枚名本月年日時])"
    r"|\s?[0-9]{2,4}号室)?"
)
_POSTAL = r"(?:〒?\s?[0-9]{3}-?[0-9]{4}[\s,、]{0,2})?"
_JAPANESE = re.compile(
    rf"{_POSTAL}{_PREFECTURE}\s?(?:[{_PLACE}]{{1,8}}?[市区町村郡]\s?){{1,3}}[{_PLACE}]{{0,20}}?\s?{_LOT}{_BUILDING}"
)
_CITY_FIRST = re.compile(
    rf"{_POSTAL}(?:{_KANA_CITY}|[\u4e00-\u9fff々ヶケ]{{1,5}}?(?:市(?![場民内販立況街])|区(?![間分別画切])))"
    rf"\s?(?:[\u4e00-\u9fff々]{{1,4}}?区)?[{_PLACE}]{{0,12}}?\s?(?={_LONG_LOT}){_LOT}{_BUILDING}"
)
_WARD = re.compile(
    rf"{_POSTAL}[\u4e00-\u9fff]{{1,4}}?市[\u4e00-\u9fff]{{1,4}}?区[{_PLACE}]{{0,16}}?\s?{_NUMBER}-{_NUMBER}"
    rf"(?![0-9:位人名対日時])(?:-{_NUMBER}){{0,2}}{_BUILDING}"
)
_BEFORE_CITY = re.compile(
    r"^(?:(?:現|新|旧)?住所|自宅|実家|届け?先|宛先|宛て?|送り?先|配送先|勤務先|会社|在住|地番|場所|私)+"
)
_JAPANESE_WORDS = ("丁目", "番", "号", "-", "条", "の")


def _japanese_spans(text: str) -> Iterator[Span]:
    if not any(word in text for word in _JAPANESE_WORDS):
        return
    if any(sign in text for sign in "都道府県"):
        yield from (match.span() for match in _JAPANESE.finditer(text))
    if "市" in text or "区" in text:
        for pattern in (_CITY_FIRST, _WARD):
            for match in pattern.finditer(text):
                cut = _BEFORE_CITY.match(match.group())
                yield match.start() + (cut.end() if cut else 0), match.end()


# Words that make a street wherever a house number stands before them; and words that do so only
# in company, because "24 Hour Drive" and "5 Star Way" are no addresses.
_STREET = r"(?:street|st|avenue|ave|av|road|rd|boulevard|blvd|lane|ln)"
_MAYBE_STREET = (
    r"(?:drive|dr|court|ct|way|place|pl|square|sq|terrace|ter|circle|cir|parkway|pkwy|highway|hwy"
    r"|close|crescent|cres|grove|gardens|row|walk|hill|mews|green|park|trail|loop|alley|plaza|quay)"
)
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI"
    r"|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])"
)
_STATE_NAME = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia"
    r"|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey"
    r"|Mexico|York)|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania"
    r"|Rhode Island|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin"
    r"|Wyoming)"
)
_ZIP = rf"(?:(?:{_STATE}|{_STATE_NAME}),?\s+[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])|[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}}(?![A-Za-z0-9])|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9](?![A-Za-z0-9])|(?:NSW|VIC|QLD|SA|WA|TAS|ACT)\s+[0-9]{{4}}(?![0-9]))"
_UNIT = r"(?:(?i:apt|apartment|suite|ste|unit|flat|floor|room|rm|bldg)\.?\s?|#\s?)[A-Za-z0-9-]{1,5}"
_DIRECTION = r"(?:[NSEW]{1,2}\.?|North|South|East|West)"
_WORD = r"(?:[A-Z][A-Za-z'.-]*|[0-9]{1,3}(?:st|nd|rd|th|ST|ND|RD|TH))"
_HOUSE = r"(?<![0-9A-Za-z$€£¥#.,:/-])(?<![0-9][ ])[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4}|\s1/2)?"
_TOWN = r"[A-Z][A-Za-z'.-]+(?:\s[A-Z][A-Za-z'.-]+){0,3}"
_TO_ZIP = rf"(?:,?\s+{_UNIT})?(?:,?\s+{_TOWN}){{0,3}}?,?\s+{_ZIP}"
_NO_TOWN = r"(?!(?:Please|Thanks?|Thank|I|And|But|The|We|My|It|If|So|Is|Can|Do|Not|Or|You|They|He|She|PLEASE)\b)"
_TAIL = rf"(?:{_TO_ZIP}|(?:,?\s{_UNIT})?(?:,\s{_NO_TOWN}{_TOWN}(?=[,.;:!?)\n]|$|\sby|\suntil|\splease|\sand|\sin|\sand)){{0,2}})"
_STREET_ADDRESS = re.compile(
    rf"(?:{_UNIT},?\s)?{_HOUSE},?\s(?:{_DIRECTION}\s)?(?:{_WORD}\s){{1,4}}?"
    rf"(?:(?i:{_STREET})(?![A-Za-z])\.?(?:\s{_DIRECTION}(?![A-Za-z]))?{_TAIL}"
    rf"|(?i:{_MAYBE_STREET})(?![A-Za-z])\.?(?:\s{_DIRECTION}(?![A-Za-z]))?(?:{_TO_ZIP}|,?\s{_UNIT}(?:,\s{_NO_TOWN}{_TOWN})?))"
)
# A house number and a postcode hold together whatever stands between, if it reads like places.
_TO_POSTCODE = re.compile(
    rf"(?:{_UNIT},?\s)?{_HOUSE},?\s(?:{_WORD}\s?){{1,5}}(?:,?\s+{_UNIT})?(?:,\s*{_TOWN}){{1,4}},?\s+{_ZIP}"
)
_TOLD = re.compile(
    r"(?i:(?:live|living|stay(?:ing)?|house|home|address|ship|send|deliver(?:y|ed)?|mail|moved|moving|located)"
    r"(?:ed)?(?: (?:it|them|this|that|me))?(?: (?:is|was|to|at|in|on))?(?: (?:now|number))?[:\s]+(?:is |at |to )?)"
    rf"((?:{_UNIT},?\s)?[0-9]{{1,5}}[A-Za-z]?,?\s(?:[A-Za-z'.-]+\s|[0-9]{{1,3}}(?:st|nd|rd|th)\s){{1,3}}?"
    rf"(?i:{_STREET}|{_MAYBE_STREET})(?![A-Za-z])\.?"
    rf"(?:,?\s{_UNIT})?(?:(?:,?\s[A-Za-z'.-]+){{1,3}}?,?\s(?i:{_ZIP}|[a-z]{{2}} [0-9]{{5}}(?:-[0-9]{{4}})?))?"
    rf"(?:,\s{_NO_TOWN}{_TOWN})?)"
)
_LOWER_TO_ZIP = re.compile(
    rf"{_HOUSE}\s(?:[A-Za-z'.-]+\s|[0-9]{{1,3}}(?:st|nd|rd|th)\s){{1,3}}?(?i:{_STREET}|{_MAYBE_STREET})(?![A-Za-z])\.?,?"
    rf"(?:\s{_UNIT},?)?(?:\s[A-Za-z'.-]+,?){{1,3}}?\s(?i:{_STATE}),?\s[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])"
)
_BOX = re.compile(
    rf"(?i:p\.? ?o\.? ?box)\s?#?[0-9]{{1,6}}(?:(?:,?\s+{_TOWN}){{0,2}}?,?\s+{_ZIP})?"
)
_ROMAN = re.compile(
    rf"(?:(?i:{_UNIT}),?\s)?{_HOUSE}(?:-[0-9]{{1,4}}){{0,3}},?\s(?:[A-Z][A-Za-z]+(?:-[a-z]+)?,?\s?){{0,3}}"
    r"[A-Z][A-Za-z]+-(?:ku|shi|cho|machi|mura|gun|to|ken|fu)(?![A-Za-z])"
    r"(?:,?\s[A-Z][A-Za-z]+(?:-[a-z]+)?){0,3}(?:,?\s〒?[0-9]{3}-[0-9]{4})?(?:,?\sJapan)?"
)
_JAPANESE_SUFFIXES = ("-ku", "-shi", "-cho", "-machi", "-mura", "-gun")
_STREET_SIGN = re.compile(
    r" (?:st|ave?|rd|dr|ln|ct|pl|sq|way|row)(?![a-z])|street|avenue|road|boulevard|blvd|lane|drive|court|place"
    r"|square|terrace|circle|parkway|pkwy|highway|hwy|close|crescent|grove|gardens|walk|hill|mews"
    r"|green|park|trail|loop|alley|plaza|quay"
)
_ZIP_SIGN = re.compile(_ZIP)


def _western_spans(seen: Glance) -> Iterator[Span]:
    text, low = seen.text, seen.low
    if _STREET_SIGN.search(low):
        for pattern in (_STREET_ADDRESS, _LOWER_TO_ZIP):
            yield from (match.span() for match in pattern.finditer(text))
        yield from (match.span(1) for match in _TOLD.finditer(text))
    if "," in text and _ZIP_SIGN.search(text):
        yield from (match.span() for match in _TO_POSTCODE.finditer(text))
    if "box" in low:
        yield from (match.span() for match in _BOX.finditer(text))
    if any(suffix in text for suffix in _JAPANESE_SUFFIXES):
        yield from (match.span() for match in _ROMAN.finditer(text))


def address_spans(seen: Glance) -> Iterator[Span]:
    """Where postal addresses are: a house number with its street, or 番地 with its town.

    Args:
        seen: The folded text.

    Yields:
        Spans of whole addresses, postal code and building included. A town or a postal code
        alone is nobody's address.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(address_spans(glance("住所は東京都渋谷区神南1-2-3です。")))
        [(3, 16)]
    """
    if not seen.text.isascii():
        yield from _japanese_spans(seen.text)
    if seen.digits:
        yield from _western_spans(seen)
