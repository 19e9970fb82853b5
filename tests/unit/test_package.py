"""Packages over played stories: a sound one holds, each part that was altered is named, and what is no package is refused."""

import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdgate.cli.app import main
from holdgate.crypto.commitments import SALT_BYTES, commit
from holdgate.crypto.hashes import digest
from holdgate.ledger.merkle import inclusion_path, inclusion_paths
from holdgate.package import archive
from holdgate.package import manifest as m
from holdgate.package.archive import pack, unpack
from holdgate.package.logs import read_logs
from holdgate.package.verify import Told, verify
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from tests.bundles import flipped, spelled, unspelled
from tests.packages import Story, fitted, lines_of, made_anew, put_together, renamed, story, with_lines
from tests.played import played

JOB = "PO-1001/J-1"
TELLINGS = ("README.txt", "job/audit.html")
"""Parts that only the manifest speaks for."""
HEAVY = (
    "starlette",
    "jinja2",
    "sqlite3",
    "rich",
    "yaml",
    "holdgate.law",
    "holdgate.engine",
    "holdgate.query",
    "asyncio",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return story(played(tmp_path_factory.mktemp("story"), "101"), JOB)


def parts_named(told: Story, parts: dict[str, bytes]) -> list[str]:
    return [fault.part for fault in told.verdict(parts).faults]


def words(told: Story, parts: dict[str, bytes]) -> str:
    return " | ".join(f"{part}: {what}" for part, what in told.verdict(parts).faults)


# ---- sound packages


def test_the_package_of_a_story_holds_and_says_what_was_checked(told: Story) -> None:
    verdict = verify(told.raw, told.roots, told.witnesses)
    assert not verdict.faults
    said = " | ".join(f"{what} {found}" for what, found in verdict.checked)
    assert "cosigned by scenario.test/lab/VAULT" in said
    assert "approved with HUB:" in said
    assert any("audit" in sentence for sentence in verdict.not_checked)
    parts = told.parts()
    assert {"reports/R-1.json", "job/record.json", "job/audit.json", "job/audit.html", "README.txt"} <= {*parts}
    assert sum(name.startswith("documents/") for name in parts) >= 5
    assert {"HUB", "FLOOR", "NODE-FPI"} <= {name.split("/")[1] for name in parts if name.startswith("logs/")}


def test_packing_twice_gives_the_same_bytes(told: Story) -> None:
    assert pack(put_together(told.shop, JOB).parts) == told.raw


def test_papers_and_the_audit_view_as_pdf_go_with_it(told: Story) -> None:
    found = put_together(told.shop, JOB, papers={"R-1.pdf": b"%PDF-1.7 report"}, audit_pdf=b"%PDF-1.7 audit")
    assert found.parts["papers/R-1.pdf"] == b"%PDF-1.7 report"
    assert found.parts["job/audit.pdf"] == b"%PDF-1.7 audit"
    assert not found.manifest.missing
    assert not told.verdict(found.parts).faults


def test_a_client_s_package_holds_and_has_none_of_the_shop_s_registers(told: Story) -> None:
    found = put_together(told.shop, JOB, scope="client")
    assert not told.verdict(found.parts).faults
    assert not [name for name in found.parts if name.startswith("job/audit")]
    subjects = {json.loads(unspelled(line["entry"]))["subject"] for line in lines_of(found.parts, "HUB")}
    assert not [subject for subject in subjects if subject.startswith(("equipment:", "material:", "contract:"))]


def test_the_package_of_a_sub_lot_begins_with_the_job_that_it_was_split_from(tmp_path: Path) -> None:
    other = story(played(tmp_path, "119"), "PO-1001/J-1A")
    verdict = verify(other.raw, other.roots, other.witnesses)
    assert not verdict.faults
    assert any("PO-1001/J-1, PO-1001/J-1A" in check.found for check in verdict.checked)


# ---- altered parts


def of_each_kind(told: Story) -> list[str]:
    """A part of each kind: one document stands for all, and so does one node."""
    kinds = {name.split("/")[0] if name.startswith("documents/") else name: name for name in told.parts()}
    return [
        name for name in kinds.values() if "NODE-FPI-2" not in name and "NODE-MT" not in name and name != m.MANIFEST
    ]


def test_a_byte_of_any_part_is_named(told: Story) -> None:
    manifest = m.read_manifest(told.parts()[m.MANIFEST])
    for name, body in told.parts().items():
        if name != m.MANIFEST:
            altered = {**told.parts(), name: flipped(body, len(body) // 2)}
            assert name in [part for part, _ in m.differences(manifest, altered)], name
    body = told.parts()["job/audit.html"]
    assert "job/audit.html" in parts_named(told, {**told.parts(), "job/audit.html": flipped(body, 9)})


def test_a_byte_of_a_proven_part_is_named_although_the_manifest_was_made_to_fit(told: Story) -> None:
    for name in of_each_kind(told):
        if name not in TELLINGS and not name.startswith("job/"):  # what those say in words is not proven
            body = told.parts()[name]
            found = parts_named(told, fitted({**told.parts(), name: flipped(body, len(body) // 2)}))
            assert name in found, name


def test_a_part_that_is_left_out_or_added_is_named(told: Story) -> None:
    manifest = m.read_manifest(told.parts()[m.MANIFEST])
    for name in told.parts():
        less = {other: body for other, body in told.parts().items() if other not in (name, m.MANIFEST)}
        if name != m.MANIFEST:
            assert (name, "the manifest names it, and it is not there") in m.differences(manifest, less)
            continue
        with pytest.raises(Malformed, match="no package"):
            told.verdict(less)
    assert "extra.txt" in parts_named(told, {**told.parts(), "extra.txt": b"x"})
    assert "extra.txt" in parts_named(told, fitted({**told.parts(), "extra.txt": b"x"}))


@pytest.mark.parametrize(
    "gone", ["logs/HUB/checkpoint", "logs/NODE-FPI/entries.jsonl", "README.txt", "reports/R-1.json"]
)
def test_a_part_that_is_left_out_is_missed_although_the_manifest_was_made_to_fit(told: Story, gone: str) -> None:
    less = told.parts()
    del less[gone]
    assert gone in parts_named(told, fitted(less, missing=()))


def test_an_entry_that_is_left_out_leaves_a_gap(told: Story) -> None:
    lines = lines_of(told.parts(), "NODE-FPI")
    reading = next(i for i, line in enumerate(lines) if b"ReadingRecorded" in unspelled(line["entry"]))
    said = words(told, with_lines(told.parts(), "NODE-FPI", lines[:reading] + lines[reading + 1 :]))
    assert "was left out" in said
    assert "job/record.json" in said


def test_entries_in_another_order_or_with_another_s_proof_are_refused(told: Story) -> None:
    lines = lines_of(told.parts(), "NODE-FPI")
    turned = [lines[1], lines[0], *lines[2:]]
    assert "not in the order of the log" in words(told, with_lines(told.parts(), "NODE-FPI", turned))
    swapped = [{**lines[0], "path": lines[1]["path"]}, *lines[1:]]
    assert "does not lead to the checkpoint" in words(told, with_lines(told.parts(), "NODE-FPI", swapped))
    moved = [*lines[:-1], {**lines[-1], "index": lines[-1]["index"] + 1}]
    assert "another place" in words(told, with_lines(told.parts(), "NODE-FPI", moved))


def test_a_document_that_nothing_names_is_refused(told: Story) -> None:
    parts = renamed(told.parts(), "documents", b"a contract of my own")
    assert "nothing that is proven names it" in words(told, parts)


def test_a_report_that_was_not_issued_is_refused(told: Story) -> None:
    content = json.loads(told.parts()["reports/R-1.json"])
    another = canon.encode({**content, "view": "0" * 64})
    assert "not the content that was issued" in words(told, fitted({**told.parts(), "reports/R-1.json": another}))
    assert "no entry says" in words(told, fitted({**told.parts(), "reports/R-2.json": another}))


def test_a_telling_that_names_an_entry_elsewhere_is_refused(told: Story) -> None:
    record = told.parts()["job/record.json"].replace(b'"entry":"NODE-FPI:', b'"entry":"NODE-FPI:9', 1)
    assert "job/record.json: it names NODE-FPI:9" in words(told, fitted({**told.parts(), "job/record.json": record}))


def test_evidence_that_no_act_names_is_refused(told: Story) -> None:
    piece = b"a photo"
    listed = canon.encode([{"kept": True, "named_by": ["NODE-FPI:20"], "sha256": digest(piece)}])
    parts = renamed({**told.parts(), m.EVIDENCE: listed}, "evidence", piece)
    assert "no packaged act names it" in words(told, parts)


def test_evidence_is_what_its_commitment_or_digest_names(told: Story) -> None:
    salt, piece = bytes(range(SALT_BYTES)), b"a photo"
    salted, plain = commit(salt, piece), digest(piece)
    for bodies, wrong in (
        ({salted: salt + piece, plain: piece}, []),
        ({salted: piece, plain: salt + piece}, [salted, plain]),
        ({salted: salt[::-1] + piece, plain: piece}, [salted]),
        ({salted: flipped(salt + piece, 300), plain: flipped(piece, 3)}, [salted, plain]),
    ):
        logs = read_logs(told.parts(), told.roots, told.witnesses)
        held = logs.logs[0].entries[-1]
        logs.logs[0].entries[-1] = held._replace(act={"evidence": [salted], "rows": [{"photo_digest": plain}]})
        named: dict[str, list[str]] = {}
        for one in logs.entries():
            for reference in m.evidence_in(one.act):
                named.setdefault(reference, []).append(one.place)
        parts = {**told.parts(), m.EVIDENCE: canon.encode(m.pieces(named, bodies))}
        parts.update({f"evidence/{reference}": body for reference, body in bodies.items()})
        faults = Told(parts, m.read_manifest(parts[m.MANIFEST]), logs).evidence()
        assert sorted(fault.part for fault in faults) == sorted(f"evidence/{reference}" for reference in wrong)


def test_a_manifest_about_another_job_or_time_is_refused(told: Story) -> None:
    assert "no entry in it is about the job" in words(told, fitted(told.parts(), order="PO-9", job="J-9"))
    assert "newest entry" in words(told, fitted(told.parts(), until=1))


# ---- keys


def test_keys_are_the_reader_s_own(told: Story) -> None:
    assert "charter" in words(told._replace(roots=(b"\x01" * 32,)), told.parts())
    nobody = told._replace(witnesses=told.witnesses[:0])
    verdict = nobody.verdict(told.parts())
    assert not verdict.faults
    assert "you trust no witness" in verdict.not_checked[0]


def test_a_checkpoint_that_no_trusted_witness_cosigned_is_refused(told: Story) -> None:
    parts = told.parts()
    bare = b"".join(parts["logs/HUB/checkpoint"].splitlines(keepends=True)[:5])
    assert "no witness that you trust" in words(told, fitted({**parts, "logs/HUB/checkpoint": bare}))


def _other_result(entry: dict[str, Any]) -> None:
    act = json.loads(unspelled(entry["action"]["payload"]))
    act["result"] = "fail"
    entry["action"]["payload"] = spelled(canon.encode(act))


def _no_signature(entry: dict[str, Any]) -> None:
    entry["action"]["signatures"] = entry["action"]["signatures"][:1]


def _another_signature(entry: dict[str, Any]) -> None:
    row = entry["action"]["signatures"][0]
    row["sig"] = spelled(flipped(unspelled(row["sig"]), 5))


@pytest.mark.parametrize("change", [_other_result, _no_signature, _another_signature])
def test_a_site_that_signs_its_log_anew_cannot_sign_for_its_people(
    told: Story, change: Callable[[dict[str, Any]], None]
) -> None:
    lines = lines_of(told.parts(), "NODE-FPI")
    seq = next(line["index"] for line in lines if b'"StepSigned"' in unspelled(line["entry"]))
    parts = made_anew(told, "NODE-FPI", seq, change)
    said = told.verdict(parts, witnesses=False).faults
    assert any(fault.part == "logs/NODE-FPI/entries.jsonl" and f"entry {seq}: the" in fault.what for fault in said)
    assert "no witness that you trust" in words(told, parts)


def test_a_business_hub_that_signs_its_log_anew_cannot_answer_for_the_client(told: Story) -> None:
    lines = lines_of(told.parts(), "HUB")
    seq = next(line["index"] for line in lines if b'"ReportApproved"' in unspelled(line["entry"]))

    def otherwise(entry: dict[str, Any]) -> None:
        act = json.loads(unspelled(entry["action"]["payload"]))
        act["seen"] = "0" * 64
        entry["action"]["payload"] = spelled(canon.encode(act))

    faults = told.verdict(made_anew(told, "HUB", seq, otherwise), witnesses=False).faults
    assert any(f"entry {seq}: the signature of 'SID-CLI-01' does not hold" in fault.what for fault in faults)


def test_a_business_hub_that_signs_its_log_anew_cannot_give_a_key(told: Story) -> None:
    lines = lines_of(told.parts(), "HUB")
    seq = next(line["index"] for line in lines if b'"IdentityEnrolled"' in unspelled(line["entry"]))

    def another_key(entry: dict[str, Any]) -> None:
        event = entry["decision"]["events"][0]
        event["key"] = spelled(b"\x02" * 32)

    faults = told.verdict(made_anew(told, "HUB", seq, another_key), witnesses=False).faults
    assert any(f"entry {seq}: it says something else of" in fault.what for fault in faults)


# ---- files that are none


def zipped(*parts: tuple[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as made:
        for name, body in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, kind
            made.writestr(info, body)
    return file.getvalue()


def test_a_package_comes_back_as_it_was_packed() -> None:
    parts = {"b/c": b"2", "a": b"1" * 1000, "z.json": b""}
    assert unpack(pack(parts)) == parts
    assert pack(parts) == pack(dict(reversed(parts.items())))


def _overlapping() -> bytes:
    """Two rows of the directory that lead to one body."""
    raw = zipped(("a", b"x" * 100))
    offset = raw.index(b"PK\x01\x02")
    row, end = raw[offset:-22], raw[-22:]
    rows = row + row.replace(b"a", b"b", 1)
    return raw[:offset] + rows + struct.pack("<4s4H2LH", end[:4], 0, 0, 2, 2, len(rows), offset, 0)


def _many() -> bytes:
    """A directory that says that there are more parts than there may be."""
    raw = bytearray(zipped(("a", b"x")))
    struct.pack_into("<2H", raw, len(raw) - 14, limits.PACKAGE_PARTS_MAX + 1, limits.PACKAGE_PARTS_MAX + 1)
    return bytes(raw)


GOOD = zipped(("a", b"1"), ("b", b"2"))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no package"),
        (b"%PDF-1.7 something else that is long enough", "no package"),
        (zipped(("a", bytes(1_000_000)), kind=zipfile.ZIP_DEFLATED), "compressed"),
        (zipped(("a", bytes(1_000_000)), kind=zipfile.ZIP_BZIP2), "compressed"),
        (_overlapping(), "longer than the file|over each other|one spelling|cannot be read"),
        (_many(), "parts; a package has at most"),
        (zipped(("../a", b"1")), "no part of the name"),
        (zipped(("/a", b"1")), "no part of the name"),
        (zipped(("a/../b", b"1")), "no part of the name"),
        (zipped(("a\\b", b"1")), "no part of the name"),
        (zipped(("a/", b"")), "no part of the name"),
        (zipped(("ä", b"1")), "no part of the name"),
        (zipped(("n" * 201, b"1")), "longer than its parts need"),
        (zipped(("b", b"2"), ("a", b"1")), "one spelling"),
        (GOOD + b"x", "cut off"),
        (b"x" + GOOD, "no package"),
        (GOOD[:-1], "cut off"),
        (GOOD.replace(b"1", b"3", 1), "cannot be read|one spelling"),
    ],
)
def test_a_file_that_is_no_package_is_refused_with_a_reason(raw: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        unpack(raw)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_is_there_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="twice"):
        unpack(zipped(("a", b"1"), ("a", b"2")))


def test_a_file_that_is_too_long_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", len(GOOD) - 1)
    monkeypatch.setattr(archive, "_read", lambda _: pytest.fail("it was read"))
    with pytest.raises(Malformed, match="at most"):
        unpack(GOOD)
    with pytest.raises(Malformed, match="too much for one package"):
        pack({"a": b"x" * len(GOOD)})


def test_bytes_between_parts_and_other_marks_are_refused() -> None:
    for at in range(len(GOOD)):
        with pytest.raises(Malformed):
            unpack(flipped(GOOD, at))


def test_more_entries_than_a_package_may_have_are_refused(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE_ENTRIES_MAX", 20)
    assert "more logs or entries" in words(told, told.parts())


# ---- small pieces


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33])
def test_many_paths_are_those_of_one_at_a_time(size: int) -> None:
    leaves = [bytes([n]) * 32 for n in range(size)]
    every = list(range(size))
    assert inclusion_paths(leaves, every) == [inclusion_path(leaves, index) for index in every]
    with pytest.raises(Malformed):
        inclusion_paths(leaves, [size])


def test_evidence_is_found_by_the_fields_that_name_it() -> None:
    one, two = "1" * 64, "2" * 64
    act = {"evidence": one, "reason": two, "rows": [{"photo_digest": two}, {"evidence": [one, "a drawer"]}]}
    assert sorted({*m.evidence_in(act)}) == [one, two]
    rows = m.pieces({one: ["B:10", "B:9", "A:1"]}, {})
    assert rows[0].named_by == ("A:1", "B:9", "B:10")


# ---- the command line


def test_the_command_line_packs_and_verifies(told: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, trust = tmp_path / "job.zip", str(told.shop / "trust.json")
    assert main(["package", JOB, "--data", str(told.shop), "--out", str(out), "--no-pdf"]) == 0
    assert out.read_bytes() == told.raw
    assert main(["verify", str(out), "--trust", trust]) == 0
    assert "Everything that is in this package holds." in capsys.readouterr().out
    parts = told.parts()
    parts["README.txt"] += b"!"
    out.write_bytes(pack(parts))
    assert main(["verify", str(out), "--trust", trust]) == 1
    assert "README.txt" in capsys.readouterr().out
    assert main(["verify", str(out), "--trust", trust, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"][0][0] == "README.txt"
    out.write_bytes(b"PK\x03\x04")
    assert main(["verify", str(out), "--trust", trust]) == 2
    assert main(["verify", str(tmp_path / "none.zip"), "--trust", trust]) == 2
    assert main(["verify", str(out), "--trust", str(out)]) == 2


def test_the_command_line_writes_nothing_over_and_knows_its_jobs(
    told: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "audit.html"
    assert main(["job-audit", JOB, "--data", str(told.shop), "--out", str(out)]) == 0
    page = out.read_text()
    assert "<script" not in page
    assert "Signatures, and what each signer was shown" in page
    assert main(["job-audit", JOB, "--data", str(told.shop), "--out", str(out)]) == 2
    assert main(["job-audit", JOB, "--data", str(told.shop), "--out", str(tmp_path / "audit.doc")]) == 2
    assert main(["package", "PO-1001/J-7", "--data", str(told.shop), "--out", str(tmp_path / "p.zip")]) == 2
    assert "it knows PO-1001/J-1" in capsys.readouterr().err
    assert main(["package", "PO-1001", "--data", str(told.shop), "--out", str(tmp_path / "p.zip")]) == 2


def test_papers_are_typeset_where_that_is_installed_and_go_with_the_package(
    told: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("typst")
    out, again, paper = tmp_path / "job.zip", tmp_path / "again.zip", tmp_path / "audit.pdf"
    for file in (out, again):
        assert main(["package", JOB, "--data", str(told.shop), "--out", str(file)]) == 0
    assert out.read_bytes() == again.read_bytes()
    parts = unpack(out.read_bytes())
    assert parts["papers/R-1.pdf"].startswith(b"%PDF")
    assert main(["job-audit", JOB, "--data", str(told.shop), "--out", str(paper)]) == 0
    assert parts["job/audit.pdf"] == paper.read_bytes()
    assert main(["verify", str(out), "--trust", str(told.shop / "trust.json")]) == 0
    assert "not in it" not in capsys.readouterr().out


def test_verifying_loads_no_law_no_store_and_no_server() -> None:
    code = "import sys, holdgate.cli.verify; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    loaded = done.stdout.split()
    assert not [name for name in loaded if name in HEAVY or name.startswith("holdgate.law")]
    own = {".".join(name.split(".")[1:2]) for name in loaded if name.startswith("holdgate.")}
    assert own == {"audit", "cli", "crypto", "identity", "ledger", "package", "terms"}
    assert [name for name in loaded if name.startswith(("holdgate.audit.", "holdgate.cli."))] == [
        "holdgate.audit.trust",
        "holdgate.cli.verify",
    ]
