"""The words of the pocket world.

Deliberately absent: shops, orders, parcels, refunds, guarantees, tents. The course's company
lives in those words, and the model must not have met them (`tests/pocket/test_lexicon.py`).
"""

import random

AGENTS = ["members", "visitors", "guests", "pupils", "sailors", "gardeners", "riders", "singers", "children", "farmers", "painters", "guards", "bakers", "miners", "pilots", "dancers", "nurses", "readers", "runners", "swimmers", "teachers", "drivers", "monks", "players", "students", "writers", "weavers", "hunters", "doctors", "tourists", "parents", "neighbors", "residents", "workers"]

# base, third person, past participle, -ing form
VERBS = [
    tuple(forms.split("/"))
    for forms in ["borrow/borrows/borrowed/borrowing", "visit/visits/visited/visiting", "feed/feeds/fed/feeding", "repair/repairs/repaired/repairing", "paint/paints/painted/painting", "rent/rents/rented/renting", "climb/climbs/climbed/climbing", "carry/carries/carried/carrying", "clean/cleans/cleaned/cleaning", "plant/plants/planted/planting", "ride/rides/ridden/riding", "sail/sails/sailed/sailing", "draw/draws/drawn/drawing", "study/studies/studied/studying", "train/trains/trained/training", "water/waters/watered/watering", "sweep/sweeps/swept/sweeping", "light/lights/lit/lighting", "lock/locks/locked/locking", "open/opens/opened/opening", "close/closes/closed/closing", "count/counts/counted/counting", "weigh/weighs/weighed/weighing", "sort/sorts/sorted/sorting", "polish/polishes/polished/polishing", "mend/mends/mended/mending", "build/builds/built/building", "wash/washes/washed/washing", "move/moves/moved/moving", "check/checks/checked/checking", "collect/collects/collected/collecting", "keep/keeps/kept/keeping", "use/uses/used/using", "bring/brings/brought/bringing", "make/makes/made/making", "take/takes/taken/taking", "show/shows/shown/showing", "store/stores/stored/storing", "test/tests/tested/testing", "print/prints/printed/printing", "record/records/recorded/recording", "share/shares/shared/sharing", "cut/cuts/cut/cutting", "cook/cooks/cooked/cooking", "fill/fills/filled/filling", "guard/guards/guarded/guarding", "find/finds/found/finding", "hide/hides/hidden/hiding", "reserve/reserves/reserved/reserving", "choose/chooses/chosen/choosing", "join/joins/joined/joining", "leave/leaves/left/leaving", "give/gives/given/giving"]
]

# singular, plural
OBJECTS = [
    tuple(forms.split("/"))
    for forms in ["lamp/lamps", "boat/boats", "horse/horses", "drum/drums", "map/maps", "kite/kites", "bike/bikes", "book/books", "robot/robots", "mask/masks", "ladder/ladders", "wagon/wagons", "clock/clocks", "mirror/mirrors", "bell/bells", "basket/baskets", "bottle/bottles", "box/boxes", "candle/candles", "chair/chairs", "coat/coats", "cup/cups", "desk/desks", "door/doors", "flag/flags", "flower/flowers", "garden/gardens", "hat/hats", "key/keys", "letter/letters", "machine/machines", "net/nets", "oven/ovens", "pen/pens", "photo/photos", "piano/pianos", "picture/pictures", "pot/pots", "ring/rings", "room/rooms", "rope/ropes", "seat/seats", "song/songs", "stone/stones", "table/tables", "ticket/tickets", "tool/tools", "tree/trees", "wheel/wheels", "window/windows", "card/cards", "class/classes", "engine/engines", "message/messages", "report/reports", "list/lists", "file/files", "animal/animals", "rabbit/rabbits", "goat/goats", "bird/birds", "plan/plans", "form/forms", "badge/badges", "seed/seeds"]
]

MODIFIERS = ["red", "blue", "green", "white", "black", "golden", "silver", "small", "large", "old", "new", "long", "short", "round", "square", "wooden", "early", "late", "first", "second", "last", "main", "upper", "lower", "inner", "outer", "north", "south", "east", "west", "summer", "winter", "spring", "autumn", "morning", "evening", "night", "day", "weekly", "monthly", "yearly", "daily", "special", "standard", "basic", "common", "public", "private", "secret", "quiet", "heavy", "light", "deep", "high", "low", "warm", "cold", "dry", "wet", "fresh", "young", "local", "royal", "grand", "little", "big", "double", "single", "spare", "extra", "normal", "full", "half", "open", "closed", "fast", "slow", "group", "family", "junior", "senior", "student", "guest", "annual", "maximum", "minimum", "total", "average", "next", "usual", "favorite", "official"]

ATTRIBUTES = ["price", "fee", "size", "weight", "height", "length", "age", "speed", "color", "shape", "limit", "time", "date", "day", "number", "name", "place", "owner", "leader", "guide", "code", "door", "gate", "room", "floor", "tower", "bridge", "garden", "song", "drink", "meal", "tool", "animal", "flower", "stone", "metal", "word", "sign", "flag", "mark", "rule", "rate", "team", "path", "street", "table", "seat", "key", "box", "bag", "bell", "signal", "charge", "cost", "tax", "prize", "award", "bonus", "period", "break", "visit", "tour", "lesson", "class", "meeting", "party", "contest", "game", "race", "test", "report", "letter", "message", "contact", "helper", "doctor", "teacher", "keeper", "distance", "depth", "width", "capacity", "level", "rank", "power", "temperature", "energy", "supply", "storage", "route", "entrance", "exit", "opening", "closing", "start", "end", "window", "office", "line", "desk", "phone", "address", "material", "fuel", "food", "sound", "smell", "pattern", "title", "symbol", "password", "partner", "rival", "captain", "deposit", "discount"]

PLACES_NOUN = ["bridge", "mill", "tower", "gate", "garden", "well", "hill", "cave", "harbor", "station", "library", "school", "temple", "castle", "market", "square", "fountain", "barn", "field", "forest", "lake", "river", "island", "beach", "road", "tunnel", "roof", "cellar", "kitchen", "hall", "stairs", "office", "desk", "door", "window", "shelf", "wall", "corner", "yard"]
PLACE_PREPOSITIONS = ["in", "at", "behind", "near", "beside", "under", "above", "inside", "outside", "by"]

COLORS = (
    ["red", "blue", "green", "white", "black", "yellow", "orange", "purple", "pink", "brown", "gray", "gold", "silver", "violet"]
)
MATERIALS = (
    ["wood", "stone", "iron", "copper", "glass", "paper", "wool", "clay", "leather", "steel", "silk", "cotton", "bone", "wax", "sand", "brass", "rubber", "bamboo", "silver", "gold"]
)
UNITS = ["days", "weeks", "months", "years", "hours", "minutes", "seconds"]
MEASURES = ["meters", "kilometers", "grams", "kilograms", "liters", "pages", "steps", "points", "miles", "degrees"]
MONEY = ["coins", "dollars", "pounds", "euros", "yen", "crowns"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = (
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
)
MEANS = (
    ["letter", "phone", "boat", "train", "bike", "hand", "mail", "radio", "bus", "horse", "computer", "message", "email", "fax", "card"]
)
CONCRETE = ["apple", "bread", "cheese", "soup", "tea", "milk", "honey", "rice", "fish", "egg", "cake", "salt", "pepper", "sugar", "lemon", "onion", "ring", "coin", "feather", "shell", "ribbon", "hammer", "needle", "brush", "broom", "spoon", "knife", "rope", "whistle", "lantern", "compass", "telescope", "umbrella", "blanket", "pillow", "helmet", "glove", "scarf", "boot", "ticket", "badge", "passport", "stamp", "receipt", "signature", "permit", "form", "card", "token", "key"]
ADJECTIVES = ["happy", "sad", "calm", "brave", "clever", "gentle", "loud", "polite", "proud", "quiet", "rude", "shy", "strong", "weak", "tired", "careful", "free", "empty", "broken", "sweet", "bitter", "sour", "soft", "hard", "rough", "smooth", "sharp", "bright", "dark"]

_ONSETS = (
    ["b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "pl", "pr", "qu", "r", "s", "sh", "sk", "sl", "st", "t", "th", "tr", "v", "w", "y", "z"]
)
_NUCLEI = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "ia", "oa", "oo", "ou"]
_CODAS = ("", "", "", "l", "m", "n", "r", "s", "t", "x", "nd", "rk", "sh", "ck", "lm")

KINDS = (
    ["tower", "island", "robot", "planet", "club", "ship", "village", "potion", "festival", "garden", "dragon", "museum", "school", "castle", "bridge", "band", "river", "machine", "team", "train", "library", "hotel", "farm", "theater", "camera", "clock", "lake", "factory", "game", "bird", "engine", "company", "city", "road", "museum", "lab", "station", "song", "drink"]
)

# Japanese: attribute nouns and values in common kanji and kana.
JA_ATTRIBUTES = ["色", "名前", "場所", "長さ", "重さ", "高さ", "年齢", "時間", "日", "数", "値段", "料金", "速さ", "形", "大きさ", "曜日", "番号", "住所", "電話番号", "担当", "先生", "店長", "入口", "出口", "開始", "終了", "期間", "期限", "会場", "食べ物", "飲み物", "動物", "花", "材料", "道具", "席", "部屋", "駅", "色の名前", "合言葉", "目的", "方法", "定員", "休み", "最大", "最小", "手数料", "予約", "受付", "案内", "連絡先", "営業時間", "使い方", "行き先", "集合場所", "持ち物", "参加費", "割引", "点数", "温度", "距離", "量", "面積"]
JA_MODIFIERS = ["大きな", "小さな", "新しい", "古い", "赤い", "青い", "白い", "黒い", "朝の", "夜の", "夏の", "冬の", "春の", "秋の", "東の", "西の", "南の", "北の", "最初の", "最後の", "次の", "特別な", "普通の", "子どもの", "大人の", "学生の", "会員の", "家族の", "月の", "年の", "通常の"]
JA_THINGS = ["塔", "島", "町", "村", "船", "学校", "図書館", "公園", "城", "橋", "祭り", "機械", "会社", "工場", "農場", "博物館", "美術館", "駅", "星", "犬", "猫", "馬", "鳥", "歌", "薬", "時計", "車", "列車", "劇場", "庭", "山", "川", "湖", "部", "店", "教室", "寺", "神社", "病院"]
JA_COLORS = ["赤", "青", "緑", "白", "黒", "黄色", "茶色", "紫", "金色", "銀色", "灰色", "水色"]
JA_MATERIALS = ["木", "石", "鉄", "銅", "紙", "布", "土", "皮", "絹", "竹", "金", "銀", "ガラス", "ゴム"]
JA_UNITS = ["日", "週間", "か月", "年", "時間", "分", "秒", "円", "人", "本", "枚", "個", "回", "台", "階", "メートル", "キロ", "グラム", "ページ"]
JA_WEEKDAYS = ["月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"]
JA_PLACES = ["橋の上", "駅の前", "庭の中", "川の近く", "門の横", "階段の下", "窓のそば", "受付の隣", "屋根の上", "図書館の裏", "湖の東", "山の上", "広場", "地下", "二階", "入口", "倉庫", "事務所", "海の家", "教室"]
JA_KANJI = (
    "日月火水木金土山川田人口目耳手足力男女子学校生先名年本文字村町森林竹石花草虫犬猫馬魚鳥"
    "貝赤青白黒黄色音楽歌絵声話語読書記計算数番号会社店客品物料理食飲茶米肉菜果味朝昼夕夜"
    "時分秒週曜春夏秋冬東西南北前後左右上下中外内間近遠高低長短大小多少新古明暗強弱重軽早速"
    "行来帰出入通過開閉始終起寝立走歩乗降送受取持運使作直切買売貸借返交換選決定変更加減増配"
    "達届着付注意説明案内質問答連絡相談予約申込保証修理点検部荷箱袋紙布糸服靴帽傘鏡机台車船"
    "電気機械道路駅空港海岸島湖池谷坂橋門戸窓屋根室庭園寺神社病院銀行図館公共地図世界国都市"
    "県区場所住民家族友達父母兄弟姉妹様者員長王光雲雨雪風雷星天気温度熱氷湯油薬"
    "用途方法条件期限以無料有税込割引円金額価格払合計最初回次目的体験参加者定員登録会員"
    "夏冬寒暖寝具灯炎焚火旅岩谷峰頂登山荷軽量防護洗濯乾燥保管収納交換部品破損不良状態"
    "営業休業平日土日祝正午後午前当翌月末週間以降必要可能全国離島沖縄北海道番地郵便"
)
JA_KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロンガギグゴザジズダデドバビブベボパピプペポー"  # noqa: E501

JA_HIRAGANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろがぎぐげござじずぜぞだでどばびぶべぼぱぴぷぺぽ"  # noqa: E501
JA_OBJECTS = ["本", "机", "いす", "自転車", "船", "馬", "地図", "時計", "鏡", "かぎ", "手紙", "写真", "機械", "絵", "歌", "部屋", "教室", "庭", "花", "木", "道具", "車", "楽器", "資料", "名札", "魚", "鳥", "犬", "猫", "料理", "お茶", "ロボット", "ボール", "カメラ", "ピアノ", "舞台", "プール", "会議室", "体育館", "古い本", "大きい部屋", "新しい車", "赤い船", "小さい庭"]
JA_ACTIONS = ["修理", "掃除", "利用", "使用", "見学", "練習", "登録", "参加", "運転", "撮影", "貸し出し", "計算", "観察", "確認", "準備", "受付", "案内", "記録", "印刷", "整理", "検査", "展示", "移動", "交代", "報告", "相談", "申請", "開放"]


def word(rng: random.Random, syllables: int | None = None) -> str:
    """Invent a pronounceable lower-case word, such as `tavo` or `breshil`."""
    n = syllables or rng.choice((1, 2, 2, 2, 3))
    parts = [rng.choice(_ONSETS) + rng.choice(_NUCLEI) for _ in range(n)]
    return "".join(parts) + rng.choice(_CODAS)


def name(rng: random.Random) -> str:
    """Invent a proper name, such as `Tavo` or `Breshil`."""
    return word(rng, rng.choice((2, 2, 3))).capitalize()


def ja_word(rng: random.Random) -> str:
    """Invent a Japanese-looking word: katakana, hiragana, or a compound of common kanji."""
    r = rng.random()
    if r < 0.15:
        return "".join(rng.choice(JA_HIRAGANA) for _ in range(rng.randint(2, 4)))
    if r < 0.5:
        letters = "".join(rng.choice(JA_KATAKANA) for _ in range(rng.randint(2, 4)))
        return letters if letters[0] not in "ーン" else "ミ" + letters[1:]
    return "".join(rng.choice(JA_KANJI) for _ in range(rng.randint(2, 3)))
