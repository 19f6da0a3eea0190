"""Japanese postal addresses: 〒, prefecture, city, town, house number, building and room."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Span

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
_LOT_SIGN = r"(?:条(?:通)?(?:西|東|南|北)?|丁目|番地(?:の(?=[0-9一-十]))?|番町?|号|[-の])"
_LOT = (
    rf"{_NUMBER}{_LOT_SIGN}\s?"
    rf"(?:{_NUMBER}(?:{_LOT_SIGN}\s?{_NUMBER}){{0,3}}(?:丁目|番地|番|号室|号(?!室)|階)?)?"
)
_LONG_LOT = (
    rf"(?:{_NUMBER}(?:丁目|番地)|{_NUMBER}[-の番]{_NUMBER}[-の号]{_NUMBER}|{_NUMBER}条[西東南北])"
)
_BUILDING_WORD = (
    "(?:ビル|マンション|ハイツ|コーポ|アパート|荘|タワー|ハウス|レジデンス|メゾン|パレス|ヒルズ|プラザ"
    "|寮|団地|棟|コート|テラス|ヴィラ|ガーデン|ハイム|スクエア|宿舎|社宅|会館|センター|シャトー|ドミール|パーク|サンライズ|館)"
)
_NAME = rf"[\u4e00-\u9fff々ァ-ヴーA-Za-z・&'][{_KANJI}ァ-ヴーA-Za-z0-9・&'の]"
_ROOM = r"(?:\s?[A-Z]?-?[0-9]{1,4}(?:号室|号棟|号|階|F|(?![0-9円個枚名本月年日時点])))"
_BUILDING = (
    rf"(?:\s?(?=[{_KANJI}ァ-ヴーA-Za-z0-9・&]{{0,18}}?{_BUILDING_WORD}){_NAME}{{1,24}}{_ROOM}{{0,2}}"
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
    r"^(?:(?:現|新|旧)?住所|自宅|実家|届け?先|宛先|宛て?|送り?先|配送先|勤務先|会社|在住|先月|今月|来月|先週|今週|来週|昨年|去年|来年|現在|今日|昨日|明日|地番|場所|私)+"
)
_JAPANESE_WORDS = ("丁目", "番", "号", "-", "条", "の")


def japanese_address_spans(text: str) -> Iterator[Span]:
    """Where Japanese addresses are, from 〒 or prefecture or city down to the house and the room.

    Args:
        text: A folded text.

    Yields:
        Spans, which may overlap, of whole addresses. Without a prefecture the number must be one
        of a house: 丁目, 番地, or three parts. "東京都渋谷区" alone is where many people are.

    Example:
        >>> found = set(japanese_address_spans("うちは横浜市中区山下町1-2-3です"))
        >>> sorted(found)
        [(3, 16)]
    """
    if not any(word in text for word in _JAPANESE_WORDS):
        return
    if any(sign in text for sign in "都道府県"):
        yield from (match.span() for match in _JAPANESE.finditer(text))
    if "市" in text or "区" in text:
        for pattern in (_CITY_FIRST, _WARD):
            for match in pattern.finditer(text):
                cut = _BEFORE_CITY.match(match.group())
                yield match.start() + (cut.end() if cut else 0), match.end()
