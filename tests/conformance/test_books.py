"""The books as another program reads them: Beancount's own checker, run as a program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdgate.pay.export import account_name, beancount
from tests.property.test_money import History, check

BEAN_CHECK = Path(sys.executable).with_name("bean-check")


def checked(text: str, folder: Path) -> str:
    file = folder / "books.beancount"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_bean_check_accepts_the_books_of_a_whole_life(seed: int, tmp_path: Path) -> None:
    books = check(History(seed).play())
    text = beancount(books, lambda at: f"2026-{1 + at // 86_400_000_000 % 12:02d}-01")
    assert text.count(" * ") >= 3
    assert checked(text, tmp_path) == ""


def test_bean_check_refuses_books_that_are_one_cent_off(tmp_path: Path) -> None:
    text = beancount(check(History(11).play()), lambda at: "2026-04-01")
    line = next(line for line in text.splitlines() if line.startswith("  Income:Services  -"))
    number = line.split()[1]
    off = text.replace(line, line.replace(number, f"{number[:-1]}{(int(number[-1]) + 1) % 10}"), 1)
    assert "does not balance" in checked(off, tmp_path)


def test_ids_that_differ_have_accounts_that_differ() -> None:
    ids = ("a.b", "a_b", "a-b", "a-d-b", "a--b", "a-u", "a_", "A.B", "1", "Ä & Co", "A & Co", "a b", "a:b")
    names = {account_name(("Assets", "Receivable", one)) for one in ids}
    assert len(names) == len(ids)
    assert all(re.fullmatch(r"Assets:Receivable:X[A-Za-z0-9-]*", name) for name in names)
