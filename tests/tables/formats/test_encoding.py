"""Text files of other encodings: found where that is safe, named otherwise, never read as something else in silence."""

from collections import Counter
from pathlib import Path

import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.encoding import to_utf8
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.loaded import ReadOptions
from tests.messages import refused

from .languages import WESTERN, files_of_encodings

CHINESE = ["您的包裹被扣留，请点击链接支付关税", "恭喜您获得大奖", "今天晚上一起吃饭吗", "【银行】您的账户已被冻结"]
RUSSIAN = ["Ваша посылка задержана оплатите пошлину", "Поздравляем вы выиграли приз", "Пойдем вечером в кино?"] * 3
TRADITIONAL = ["您的包裹被扣留，請點擊連結支付關稅", "恭喜您獲得大獎", "今天晚上一起吃飯嗎", "您的帳戶已被凍結"] * 2
JAPANESE = ["お客様のアカウントが停止されました", "荷物をお届けできませんでした", "今夜一緒にご飯を食べませんか"] * 3


def table(texts: list[str], encoding: str) -> bytes:
    lines = ["message_id,text", *(f"{number},{text}" for number, text in enumerate(texts))]
    return "".join(f"{line}\n" for line in lines).encode(encoding)


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (CHINESE, "gb18030"),
        (CHINESE[:1], "gb18030"),
        (CHINESE, "gbk"),
        (TRADITIONAL, "big5"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (CHINESE, "utf-16"),
        (["café"], "utf-16-le"),
    ],
)
def test_encodings_are_found(tmp_path: Path, texts: list[str], encoding: str) -> None:
    data = table(texts, encoding)
    file = tmp_path / "m.csv"
    file.write_bytes(b"\xff\xfe" + data if encoding == "utf-16-le" else data)
    loaded = load(file)
    assert loaded.frame["text"].tolist() == texts
    assert len(loaded.notes) == ("16" not in encoding)


def test_of_a_thousand_files_of_twelve_encodings_nearly_all_are_read_right() -> None:
    right = Counter[str]()
    for encoding, text, data in files_of_encodings(1_000):
        right[encoding] += to_utf8(data, ReadOptions(), "m.csv")[0].decode() == text
    assert right.total() >= 990, right
    assert sum(right[encoding] for encoding in WESTERN) == 168


@pytest.mark.parametrize("text", ["Pay £2.99 now", "see you at the café", "It’s only 20°", "¿Dónde estás?"])
def test_a_single_western_line_is_enough(text: str) -> None:
    assert (
        to_utf8(table(["hello", text], "cp1252"), ReadOptions(), "m.csv")[0].decode()
        == table(["hello", text], "utf-8").decode()
    )


def test_a_late_letter_and_a_damaged_text_are_read() -> None:
    late = b"a,b\n" + b"hello world,1\n" * 20_000 + b"caf\xe9,2\n"
    assert to_utf8(late, ReadOptions(), "m.csv")[0].endswith("café,2\n".encode())
    damaged = b"a\n" + "café\n".encode() + b"\xff\n" * 2 + b"b\n" * 50
    assert to_utf8(damaged, ReadOptions(), "m.csv")[0].decode().count("\ufffd") == 2


def test_a_given_encoding_is_used_and_is_an_error_where_it_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(table(CHINESE, "gbk"))
    assert load(file, ReadOptions(encoding="gb18030")).frame["text"].tolist() == CHINESE
    assert load(file, ReadOptions(encoding="gb18030")).notes == ()
    with refused(SchemaError, "--encoding"):
        load(file, ReadOptions(encoding="utf-8"))
    with refused(SchemaError):
        load(file, ReadOptions(encoding="klingon"))


@pytest.mark.parametrize("data", [bytes(range(128, 256)) * 20, b"a,b\n" + b"\x81\x00\xff\xfe" * 50])
def test_bytes_that_are_no_text_are_an_error(data: bytes) -> None:
    with refused(SchemaError, "--encoding"):
        to_utf8(data, ReadOptions(), "m.csv")


@pytest.mark.parametrize(
    ("text", "encoding", "likely", "without"),
    [
        ("Şişli", "cp1254", "cp1254", "Þiþli"),
        ("ść", "iso8859-2", "iso8859-2", "뜻"),
        ("Привет", "iso8859-5", "iso8859-5", "賴寋涴"),
        ("Père Noël", "cp1252", "cp1250", "Père Noël"),
        ("Łódź", "cp1250", "cp1252", "Łódź"),
        (CHINESE[0], "gb18030", "cp1252", CHINESE[0]),
        ("안녕하세요 감사합니다", "euc_kr", "gb18030", "안녕하세요 감사합니다"),
        ("café", "utf-8", "gb18030", "café"),
    ],
)
def test_the_encoding_of_the_training_is_taken_unless_another_is_clearly_better(
    tmp_path: Path, text: str, encoding: str, likely: str, without: str
) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(table([text], encoding))
    assert load(file).frame["text"].tolist() == [without]
    loaded = load(file, ReadOptions(read_as={"encoding": likely}))
    assert (loaded.frame["text"].tolist(), loaded.encoding) == ([text], encoding)
    note = f"training data was read as {likely}, not as {encoding}"
    assert (note in loaded.notes) == (likely != encoding)


def test_ascii_has_no_encoding_and_other_names_of_one_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(table(["hello"], "ascii"))
    assert load(file, ReadOptions(read_as={"encoding": "gb18030"})).notes == ()
    assert load(file).encoding is None
    file.write_bytes(table(CHINESE, "gbk"))
    assert load(file, ReadOptions(encoding="GBK")).encoding == "gb18030"


def test_a_few_broken_lines_do_not_change_the_encoding() -> None:
    data = table([*CHINESE * 10, "x"], "utf-8").replace(b"40,x", b"40,\xc4\xfa")
    text, _, notes = to_utf8(data, ReadOptions(), "m.csv")
    assert text.decode().splitlines()[1:41] == table(CHINESE * 10, "utf-8").decode().splitlines()[1:]
    assert notes[0].startswith("1 lines are not in UTF-8: their broken characters were replaced")
