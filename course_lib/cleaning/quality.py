"""Answers that teach nothing, or teach the wrong thing: empty, cut off, looping, refusing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from operator import eq

from course_lib.cleaning.calls import calls
from course_lib.cleaning.normalise import letters, normalised
from course_lib.cleaning.rule import Check, Found, Messages, SetCheck, answers, prompt

_REPLY = r"(?:answer|reply|response|text|content|data|entry|information|input)"
_GIVEN = (
    r"(?:given|answered|filled(?: in)?|provided|written|entered|added|completed|done|decided|yet)"
)
_PLACEHOLDER = re.compile(
    r"(?i)n[/.]?a\.?|null|nil|none|nan|undefined|todo|to do|tb[acd]|fixme|placeholder"
    rf"|lorem ipsum(?: dolor.*)?|(?:no|missing|empty) {_REPLY}(?: {_GIVEN}| here)?|{_REPLY}"
    rf" (?:missing|pending|here|goes here|to follow|follows)|(?:not|none"
    rf"|nothing) (?:yet )?{_GIVEN}|insert(?: {_REPLY})?(?: here)?"
    rf"|(?:to|will) be {_GIVEN}(?: later)?|to follow|\(?(?:empty|blank|test)\)?|x{{3,}}"
    rf"|(?:(?:the )?same(?: {_REPLY})? as|as|see|cf\.?) (?:the )?(?:{_REPLY} )?"
    r"(?:above|below|before|previous|earlier)|pending|deleted|removed"
    r"|(?:回答|記入|入力|記載|内容|データ|返信)?(?:なし|無し)|未(?:回答|記入|入力|記載|定|完成|作成|対応)"
    r"|空|空欄|空白|白紙|特になし|無回答|該当なし|同上|(?:上|前|上記|前記)(?:の回答)?(?:に|と)(?:同じ|同様)"
    r"|(?:上記|下記|別紙)(?:を?参照|の(?:通り|とおり))|(?:準備|作成|確認|調査|検討)中(?:です)?"
    r"|要(?:確認|調査|記入)|(?:後日|後ほど|のちほど|後で|あとで)(?:、)?(?:書く|記入|記載|回答|追記|入力)?"
    r"(?:する|します|予定)?|(?:回答|返信|確認|記入|入力)(?:待ち|予定)|(?:ここに)?回答を?(?:書く|記入)|書きかけ"
)

_LONGEST_STUB = 24
_AROUND_STUBS = "[]<>{}()「」【】《》〔〕#.。!-_*※ \n"
_ASKS_FOR_SIGN = re.compile(
    r"(?i)(?<![a-z])(?:symbol|sign|operator|punctuation|character|morse|draw|ascii|emoticon)"
    r"|記号|符号|句読点|演算子|マーク|顔文字|モールス|描いて"
)
_PLAIN_LETTER = re.compile(r"[0-9A-Za-z\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]")


def empty_turn(messages: Messages) -> str | None:
    """Name the first message that says nothing: blank, only punctuation, or a placeholder.

    Only an answer can be a placeholder: a customer may well write "test". A call of a tool says
    enough without text, and a tool may well return nothing.
    """
    for number, message in enumerate(messages, start=1):
        content = message["content"].strip()
        if not content and (message["role"] in ("tool", "function") or calls(message)):
            continue
        who = "answer" if message["role"] == "assistant" else f"{message['role']} message"
        if not content:
            return f"the {who} (message {number}) is empty"
        if message["role"] != "assistant":
            continue
        if _is_punctuation(content) and not _ASKS_FOR_SIGN.search(prompt(messages)):
            return f"the answer (message {number}) is only punctuation: {content[:20]!r}"
        # A one-word label such as "none" is an answer in a classification set: see the brackets.
        bare = unicodedata.normalize("NFKC", content).strip(_AROUND_STUBS)
        stub = len(bare) <= _LONGEST_STUB or bare[:5].lower() == "lorem"
        if stub and _PLACEHOLDER.fullmatch(bare) and _is_stub(content):
            return f"the answer (message {number}) is a placeholder: {content[:20]!r}"
    return None


def _is_punctuation(content: str) -> bool:
    # A long bar alone is a dash; so are repetition marks, which repeat the answer above.
    content = content.strip("ー〃々〆 ")
    if not content:
        return True
    # Nearly every answer holds a plain letter near its beginning; only the others are folded.
    if _PLAIN_LETTER.search(content):
        return False
    return not letters(content) and not any(map(_is_answer, content))


def _is_answer(character: str) -> bool:
    """Whether a sign can be an answer: ∞, <, ½, €, an emoji; no punctuation of East Asia."""
    if character in "~～":  # a mathematical sign to Unicode, a stroke of the pen to people
        return False
    kind = unicodedata.category(character)
    return kind in ("Sm", "Sc", "No") or (ord(character) >= 0x2600 and kind[0] not in "PZ")


def _is_stub(content: str) -> bool:
    return content.strip().lower() not in {"none", "test"}


_CLOSERS = "\"'”’»)]}」』）】＞>*_` \n\t"
_TERMINAL = tuple(".!?。！？．…♪♡♥☆★~〜～:：;；笑")
_DANGLING_EN = re.compile(
    r"(?i)(?:^|\s)(?:a|an|the|to|of|in|on|at|for|with|by|from|and|or|but|if|because|that|which"
    r"|your|our|my|their|is|are|was|were|will|would|can|could|should|within|into|about|than|as"
    r"|we|you|please|be|have|has|not|when|after|before|until|during|per)$"
)
_DANGLING_JA = re.compile(
    r"(?:[はがをにへとでのもやて、，・]|から|まで|より|ので|ため|また|および|または|もし|なお)$"
)
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
# No dangling word is longer; a search with $ from the start of a long text is slow.
_TAIL = 60
_ENDS_WELL = re.compile(
    r"(?:\[[A-Z_]+\]|https?://\S+|#\w{2,}|[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f])$"
)
# What may follow the last sentence: an aside in brackets, a signature, kisses, a face, "No.: 7".
_AFTERWORD = re.compile(
    r"[.!?。！？]\s*(?:[(（][^()（）]*[)）]|[—–-]{1,2}\s?[A-Z]\w+|[xX]{1,3}"
    r"|[(（]?[\^＾>;:=TQ][\w.,・\-]{0,2}[\^＾<;:=TQ][)）]?|[^.!?。！？\n]{1,20}[:：]\s?[\w-]*\d)$"
)
_LIST_LINE = re.compile(r"(?:^|\n)\s*(?:[-*•・‣]|\d{1,2}[.)）])\s*[^\n]*$")


def cut_off(sets: list[Messages]) -> dict[int, Found]:
    """Find answers that stop in the middle.

    A strong sign is enough by itself: a last word that cannot be last, an open bracket, a
    sentence begun after finished ones. A long answer that merely lacks its full stop counts
    only in a set where nearly all others have one.
    """
    # What stands before a call goes on in the call.
    ends = [
        (position, message["content"].strip())
        for position, row in enumerate(sets)
        for message in row
        if message["role"] == "assistant" and not calls(message)
    ]
    sentences = [text for _, text in ends if _is_sentence(text)]
    finished = sum(_is_finished(text) for text in sentences)
    strict = len(sentences) >= 20 and finished >= 0.9 * len(sentences)
    found: dict[int, Found] = {}
    for position, text in ends:
        why = _broken_end(text, strict)
        if why:
            found.setdefault(position, Found(f"{why}: …{text[-30:]!r}"))
    return found


def _is_sentence(text: str) -> bool:
    if not text.isascii() and _JAPANESE.search(text):
        return len(text) >= 12
    return len(text.split(None, 4)) >= 5


def _is_finished(text: str) -> bool:
    if text.rstrip(_CLOSERS).endswith(_TERMINAL):
        return True
    if _AFTERWORD.search(text[-_TAIL:]):
        return True
    # Only the last word and the last two lines can tell; a search from the start is slow.
    word = text.rsplit(None, 1)[-1:]
    lines = text[text.rfind("\n", 0, max(text.rfind("\n"), 0)) + 1 :]
    return bool((word and _ENDS_WELL.search(word[0])) or _LIST_LINE.search(lines))


def _broken_end(text: str, strict: bool) -> str | None:
    if text.count("```") % 2:
        return "a block of code is never closed"
    trails = text.endswith(("...", "…"))
    trailing = re.search(r"(\S+)(?:\.\.\.+|…+)$", text[-_TAIL:]) if trails else None
    if trailing and (_DANGLING_EN.search(trailing[1]) or re.search(r"[、のをがは]$", trailing[1])):
        return "the answer trails off"
    if _is_finished(text):
        return None
    # Brackets are counted in both widths at once; ":(" is a face.
    opened, closed = (len(re.findall(signs, text)) for signs in ("[(（「『]", "[)）」』]"))
    if opened > closed and not re.search(r"[:;=]-?\(", text):
        return "a bracket is never closed"
    if text.endswith((",", "、", "，", "-", "–")) and _is_sentence(text):
        return "the answer ends in the middle of a sentence"
    # A last line of its own, without an end, is as a rule the last of a list.
    inner_end = re.search(r"[.!?]\s|[。！？]", text.rsplit("\n", 1)[-1])
    if inner_end and strict:
        return "finished sentences are followed by an unfinished one"
    if not _is_sentence(text):
        return None
    if _DANGLING_EN.search(text[-_TAIL:]) or (
        _JAPANESE.search(text[-1]) and _DANGLING_JA.search(text[-_TAIL:])
    ):
        return "the last word cannot be the last"
    if inner_end:
        return "finished sentences are followed by an unfinished one"
    unended = strict and "\n" not in text
    return "no full stop, where the other answers have one" if unended else None


def runaway(messages: Messages) -> str | None:
    """Find an answer stuck in a loop: one word, sentence or phrase over and over.

    >>> runaway([{"role": "assistant", "content": "banana " * 2000}])
    "the answer says 'banana' 2000 times in a row"
    """
    for text in answers(messages):
        folded = normalised(text)
        words = folded.split()
        if any(map(eq, words, words[1:])):
            word, times = _longest_run(words)
            if times >= 6:
                return f"the answer says {word[:30]!r} {times} times in a row"
        sentences = [sentence.strip() for sentence in _SENTENCE_END.split(folded)]
        if len(sentences) - len(set(sentences)) >= 3:
            counts = Counter(sentence for sentence in sentences if len(sentence) >= 5)
            if counts and (most := counts.most_common(1)[0])[1] >= 4:
                return f"the answer repeats {most[0][:30]!r} {most[1]} times"
        found = _loop(letters(_BAR.sub("", text)))
        if found:
            return found
    return None


_SENTENCE_END = re.compile(r"[.!?。！？\n]+")


def _longest_run(words: list[str]) -> tuple[str, int]:
    """The word that is said most often in a row, and how often."""
    best, longest = "", 1
    run = 1
    for first, second in pairwise(words):
        run = run + 1 if first == second else 1
        if run > longest and letters(second):
            best, longest = second, run
    return best, longest


# A line of long bars is drawn, not said.
_BAR = re.compile(r"^[ー\s]+$", re.MULTILINE)
_PIECE = 6
_LOOP_WINDOW = 4
_LONGEST_UNIT = 8
_LOOP = re.compile(rf"([^\W\d_]{{1,{_LONGEST_UNIT}}}?)\1{{9,}}")


def _loop(text: str) -> str | None:
    """Why a text of letters is a loop: few different pieces, or a unit ten times in a row."""
    count = len(text) - _PIECE + 1
    # If every third piece gives enough different ones, so do all.
    if count >= 115 and len({text[i : i + 6] for i in range(0, count, 3)}) < 0.25 * count:
        pieces = {text[i : i + _PIECE] for i in range(count)}
        if len(pieces) < 0.25 * count:
            return f"only {len(pieces)} different 6-letter pieces in {len(text)} letters"
    text = text[:4000]
    # A unit of up to 8 letters, ten times over, repeats any window of 4 within the next 12
    # letters; so a window every 6 letters sees it, and the slow pattern need not run.
    ahead = _LONGEST_UNIT + _LOOP_WINDOW
    for i in range(0, len(text) - _LOOP_WINDOW, 6):
        if text.find(text[i : i + _LOOP_WINDOW], i + 1, i + ahead) >= 0:
            loop = _LOOP.search(text)
            return f"the answer repeats {loop[1]!r} without end" if loop else None
    return None


# "We cannot refund opened food" is a policy; "I cannot help with that" is a model refusing.
_REFUSAL_EN = re.compile(
    r"(?i)\bas an? (?:ai(?! (?:company|firm|start-?up|team|lab|research|engineer|expert|developer))"
    r"|artificial intelligence|(?:large )?language model|assistant(?! [a-z])|chatbot)\b"
    r"|\bi(?:['’]m| am) (?:just |only )?an? (?:ai|artificial|(?:large )?language model|chatbot)\b"
    r"|\bi(?:['’]m| am)? ?(?:afraid |sorry,? (?:but )?)?(?:i )?"
    r"(?:can ?not|can['’]t|am unable to|['’]m unable to|unable to|am not able to|['’]m not able to"
    r"|not able to|won['’]t|will not|must decline to|decline to) (?:be able to )?"
    r"(?:help|assist|answer|browse|comply|fulfil+|discuss|engage|provide|respond|support|share"
    r"|do that|do this|talk about|give (?:you )?(?:advice|that|this))\b"
    r"|\bi (?:do not|don['’]t) (?:feel comfortable|have (?:personal )?(?:opinions|feelings))\b"
    r"|\b(?:against|violat(?:es?|ing)|in line with|outside) (?:my|our|the) (?:programming"
    r"|guidelines|principles|(?:usage|content|use|safety) (?:polic|guideline))"
    r"|\bi (?:must|have to|will)? ?(?:respectfully|politely)? ?decline to"
    r" (?:answer|discuss|comment|say)"
    r"|\bi(?:['’]m| am| do not feel| don['’]t feel) (?:not )?comfortable"
    r" (?:answer|discuss|comment|talk|provid)"
    r"|\b(?:in|not )appropriate for me to|\b(?:un|not )ethical for me to"
    r"|\bi (?:can ?not|can['’]t|won['’]t|am unable to|['’]m unable to)"
    r" (?:fulfil+|complete|process|accommodate|grant|do) (?:this|that|your|the|such an?) request"
    r"|\bi (?:do not|don['’]t) have (?:any )?(?:real-?time|live|up-to-date) (?:information|data)"
    r"|\bi (?:do not|don['’]t) have (?:any |the )?"
    r"(?:personal (?:opinion|experience|preference|belief)|ability to (?:browse"
    r"|access|look|see|feel|experience))"
    r"|\b(?:i|and) lack (?:the )?(?:ability|capability|access)"
)
_REFUSAL_JA = re.compile(
    r"(?:AI(?:アシスタント|言語モデル|モデル|チャットボット)?|(?:大規模)?言語モデル|人工知能|チャットボット)"
    r"(?:として|なので|ですので|ですから|だから|であるため|のため|です|である私|に(?:すぎ|過ぎ))"
    r"|(?:情報|データ|内容)を?(?:ご?提供|ご?案内)(?:する|いたす)?こと(?:は|が)(?:でき|出来)(?:ません|かねます)"
    r"|インターネット(?:で|に|を|から)[^。]{0,12}(?:でき|出来)(?:ません|かねます)"
    r"|リアルタイムの?(?:情報|データ)(?:に|は|が|を)[^。]{0,12}ません"
    r"|(?:コメント|お答え|回答|発言)する(?:こと|の)は(?:適切で|不適切|ふさわしく)"
    r"|(?:ガイドライン|ポリシー|利用規約|プログラム)に(?:反|違反|抵触)[^。]{0,10}(?:ため|ので)[^。]{0,20}(?:ません|かねます)"
    r"|(?:お答え|お応え|お伝え|お教え|ご案内|情報提供|お手伝い|回答|お力添え|ご協力|支援|サポート|アドバイス|助言)"
    r"(?:を|は|に|が)?(?:する|いたす|差し上げる)?(?:こと)?(?:は|が)?"
    r"(?:でき(?:ません|ない(?=です|んです|[。！]|$)|かねます)|いたしかねます|しかねます|致しかねます|出来ません"
    r"|控えさせて|差し控え|ご遠慮)"
    r"|(?:その|この|そのような|このような)(?:ご)?(?:質問|要望|依頼|リクエスト|内容|件)"
    r"[^。]{0,12}(?:お応え|お答え|対応|応じる)[^。]{0,8}(?:ません|かねます)"
)


def refusal(messages: Messages) -> str | None:
    """Find an answer that declines instead of answering, in its first 160 characters.

    Further in, such a sentence is mostly advice ("I can't help you choose without a size").
    """
    for text in answers(messages):
        folded = text.strip()[:160]
        match = _REFUSAL_EN.search(folded) if _may_refuse(folded.lower()) else None
        if not match and not folded.isascii() and _may_refuse_ja(folded):
            match = _REFUSAL_JA.search(folded)
        if match:
            return f"the answer refuses: {match.group().strip()!r}"
    return None


def _may_refuse(text: str) -> bool:
    """A cheap screen: every refusal in English holds one of these."""
    return (
        "cannot" in text
        or "can not" in text
        or "can't" in text
        or "can’t" in text
        or "able" in text
        or " ai" in text
        or "won't" in text
        or "won’t" in text
        or "will not" in text
        or "decline" in text
        or "don't" in text
        or "don’t" in text
        or "do not" in text
        or "chatbot" in text
        or "assistant" in text
        or "language model" in text
        or "artificial" in text
        or "appropriate" in text
        or "ethical" in text
        or "comfortable" in text
        or " lack " in text
        or " line with" in text
        or "outside" in text
        or "against" in text
        or "violate" in text
    )


def _may_refuse_ja(text: str) -> bool:
    return (
        "ません" in text
        or "AI" in text
        or "モデル" in text
        or "知能" in text
        or "でき" in text
        or "かね" in text
        or "控え" in text
        or "遠慮" in text
    )


EMPTY = Check(
    name="empty",
    reason="An empty or placeholder answer teaches the model to say nothing.",
    before="TODO",
    after=None,
    check=empty_turn,
)

TRUNCATED = SetCheck(
    name="truncated",
    reason="Answers cut in the middle teach the model to stop in the middle.",
    before="Thank you! You can send it back within",
    after=None,
    check_all=cut_off,
)

REPETITION = Check(
    name="repetition",
    reason="A looping answer teaches the model to loop.",
    before="banana banana banana banana banana banana banana banana",
    after=None,
    check=runaway,
)

REFUSAL = Check(
    name="refusal",
    reason="Refusals left by another model make ours refuse ordinary questions.",
    before="As an AI language model, I cannot help with that.",
    after=None,
    check=refusal,
)
