"""Words of six languages, and sentences made of them: written for this benchmark, no corpus."""

import random
from collections.abc import Iterator

_LISTS = {
    "en": """the invoice shows amount of forty two euros payable within thirty days after receipt while every
        customer must match our order book otherwise payment will be refused without further notice harbour
        engine quickly brought seven wooden boxes from old village market before winter storm closed bridge
        question letter answer judge window yellow exact quiet zero jump fixed weather knowledge through
        perhaps enough machine library schedule rhythm glass children mountain Office London Monday Smith""",
    "de": """die Rechnung über zweiundvierzig Euro ist innerhalb von dreißig Tagen nach Erhalt zahlbar Straße
        größer Mädchen fällig Überweisung Behörde möglich früher Häuser süß Geschäft jährlich für können
        Prüfung und der Bürgermeister hört täglich während schließlich Gemeinde Schlüssel Öffnung weiß
        Maßnahme Verfügung zwischen Zeugnis Quittung Jahr Äpfel Übung Lieferung nächste Wörter grün""",
    "fr": """la facture élevée doit être réglée avant trente jours après réception où français garçon déjà
        hôtel forêt très près reçu adresse numéro quantité réglé crème août fenêtre leçon maïs façon
        bientôt château œuvre cœur élève général Noël où même pâte siècle théâtre problème île naïve
        société commande échéance montant chaque quelques joyeux wagon kilo lundi Évry À Été""",
    "pl": """faktura powinna zostać zapłacona w ciągu trzydziestu dni źródło książka łódź żółty świeży już
        gęś święto mąż ćwiczenie róża wciąż ulica miasto źle dłużej około złoty należność wartość część
        przesyłka miesiąc również więcej później środa czwartek październik Łódź Kraków Żywiec Śląsk
        dzień końcowy sprzedawca nabywca odbiór ilość zażółć gęślą jaźń podpis świadectwo""",
    "zh": """发票 金额 应当 在 三十 天 之内 支付 客户 公司 地址 电话 号码 订单 日期 数量 价格 合计 我们 可以
        城市 中国 北京 上海 今天 明天 工作 学习 时间 经济 发展 问题 社会 国家 学校 老师 学生 医院 火车 飞机
        春天 夏天 秋天 冬天 河流 山谷 森林 音乐 电影 图书馆 计算机 网络 信息 服务 管理 技术 产品 质量 市场""",
    "ja": """請求書 の 金額 は 三十日 以内 に お支払い ください 会社 住所 電話 番号 注文 日付 数量 価格 合計
        東京 大阪 今日 明日 仕事 学校 先生 学生 病院 電車 飛行機 春 夏 秋 冬 川 山 森 音楽 映画 図書館
        コンピューター ネットワーク サービス 管理 技術 製品 品質 市場
        です ます から まで について こと もの""",
}
WORDS = {language: tuple(text.split()) for language, text in _LISTS.items()}
CJK_LANGUAGES = frozenset({"zh", "ja"})
_STOPS = {"zh": ("\uff0c", "。"), "ja": ("、", "。")}  # a comma and a full stop


def number(rng: random.Random) -> str:
    """An amount, a date, a code or a percentage."""
    kind = rng.randrange(4)
    if kind == 0:
        return price(rng)
    if kind == 1:
        return f"{rng.randint(1, 28):02d}.{rng.randint(1, 12):02d}.{rng.randint(1990, 2029)}"
    if kind == 2:
        return f"{rng.choice('ABCDKXZ')}{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
    return f"{rng.randint(1, 99)}%"


def price(rng: random.Random) -> str:
    """An amount of money with two decimals."""
    return f"{rng.randint(0, 999)}.{rng.randint(0, 99):02d}"


def phrase(rng: random.Random, language: str, words: int) -> str:
    """So many words, as they stand in a heading or a cell."""
    chosen = [rng.choice(WORDS[language]) for _ in range(words)]
    if language in CJK_LANGUAGES:
        return "".join(chosen)
    text = " ".join(chosen)
    return text[0].upper() + text[1:]


def pieces(rng: random.Random, language: str) -> Iterator[str]:
    """Endless prose in pieces that are never broken: words with their punctuation, or lone CJK signs."""
    comma, stop = _STOPS.get(language, (",", "."))
    while True:
        length = rng.randint(5, 14)
        for place in range(length):
            word = number(rng) if rng.random() < 0.06 else rng.choice(WORDS[language])
            if place == 0:
                word = word[0].upper() + word[1:]
            mark = stop if place == length - 1 else comma if rng.random() < 0.1 else ""
            if language in CJK_LANGUAGES and not word.isascii():
                yield from word[:-1]
                yield word[-1] + mark
            else:
                yield word + mark
