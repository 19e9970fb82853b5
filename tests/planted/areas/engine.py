"""Planted defects: acknowledgement, dedupe, what is durable, starts."""

from typing import Final

from tests.planted.defect import Defect, Worlds


def steady(test: str) -> str:
    """A test of clocks that leap."""
    return f"tests/unit/test_steady.py::test_{test}"


DEFECTS: Final = (
    Defect(
        name="a failed flush is acknowledged",
        module="holdgate.engine.append",
        old=("        except HoldgateError as error:\n            return error\n        except Exception as error:"),
        new=(
            "        except HoldgateError:\n"
            "            return self._notary.checkpoint(head.size, root)\n"
            "        except Exception as error:"
        ),
        check=Worlds(("disk", "crash")),
        soak=True,
    ),
    Defect(
        name="an act is acknowledged before it is durable",
        module="holdgate.engine.append",
        old="self._written(size, self._commit(drafts, head, root))",
        new=("self._written(size, self._notary.checkpoint(size, root))\n            self._commit(drafts, head, root)"),
        check=Worlds(("crash", "disk")),
        soak=True,
    ),
    Defect(
        name="a writer goes on after a failed write",
        module="holdgate.engine.append",
        old=("        self.broken = error\n        self._staged = [*group, *self._staged]"),
        new="        self._staged = [*group, *self._staged]",
        check=(
            "tests/faults/test_append_faults.py::"
            "test_one_failed_write_loses_nothing_acknowledged_and_doubles_nothing[begin-before-2]"
        ),
    ),
    Defect(
        name="a receipt proves another tree than the checkpoint's",
        module="holdgate.engine.append",
        old="receipts(self._tree, first, len(group), size, outcome)",
        new="receipts(self._tree, first, len(group), self._tree.size, outcome)",
        check=Worlds(),
    ),
    Defect(
        name="the same act twice is two entries",
        module="holdgate.law.chronicle",
        old=("        if resent is not None:\n            return resent"),
        new="",
        check=Worlds(("loss", "twice")),
    ),
    Defect(
        name="a resend to a closed job is decided again",
        module="holdgate.law.chronicle",
        old=("return self._history.find(subject, mark, self.tree.size) if subject in self.state.closed else None"),
        new="return None",
        check=(
            "tests/unit/test_closed_subjects.py::"
            "test_an_act_that_is_handed_in_again_after_its_job_was_closed_gets_its_first_answer"
        ),
        soak=True,
    ),
    Defect(
        name="a start keeps the mark of the one before",
        module="holdgate.law.chronicle",
        old="            self.standing.epoch = record.epoch",
        new="            pass",
        check="tests/unit/test_chronicle.py::test_links_that_were_up_are_down_after_a_start",
    ),
    Defect(
        name="an entry is decided at another time than it names",
        module="holdgate.law.chronicle",
        old=("        self._owes_nothing()\n        at = max(at, self.standing.last_at)\n        state, authority"),
        new=("        self._owes_nothing()\n        state, authority"),
        check=Worlds(("clock",)),
        soak=True,
    ),
    Defect(
        name="a start believes what lies in the store",
        module="holdgate.engine.opening",
        old="if draft.body != row.body or draft.leaf != row.leaf or draft.seq != row.seq:",
        new="if draft.seq != row.seq:",
        check="tests/faults/test_append_faults.py::test_an_entry_with_one_flipped_bit_is_named_and_not_served",
    ),
    Defect(
        name="a snapshot of another log is taken",
        module="holdgate.engine.opening",
        old=(
            "if root_from_frontier(saved.frontier, snapshot.size) != snapshot.root or "
            "saved.standing.state.site != site:"
        ),
        new="if saved.standing.state.site != site:",
        check=("tests/unit/test_sites.py::test_a_broken_snapshot_is_ignored_and_everything_done_again[another root]"),
        soak=True,
    ),
    Defect(
        name="a snapshot of an older program is taken",
        module="holdgate.engine.opening",
        old="if saved.form != FORM:",
        new="if not saved.form:",
        check="tests/unit/test_chronicle.py::test_a_snapshot_of_another_version_of_the_program_is_not_read",
    ),
    Defect(
        name="signatures are not checked",
        module="holdgate.engine.verify",
        old="        verify_all(envelope, keys)\n",
        new="        pass\n",
        check=Worlds(),
    ),
    Defect(
        name="keys that changed on the way still decide",
        module="holdgate.engine.submit",
        old="if keys_of(verified.command, self._chronicle.state.identities) != verified.keys:",
        new="if False:",
        check=(
            "tests/unit/test_rekey.py::"
            "test_an_act_that_was_verified_before_its_key_was_replaced_is_not_decided_after_it"
        ),
    ),
    Defect(
        name="a commit is not synced to the disk",
        module="holdgate.adapters.sqlite_store",
        old='"synchronous=FULL"',
        new='"synchronous=NORMAL"',
        check="tests/unit/test_synced_stores.py::test_each_commit_is_on_the_disk_before_it_returns[site]",
    ),
    Defect(
        name="a document with a flipped bit is served",
        module="holdgate.adapters.sqlite_store",
        old="return body if holds else None",
        new="return body",
        check=(
            "tests/conformance/test_store_port.py::"
            "TestSqliteStore::test_a_blob_that_is_not_what_its_key_says_is_not_returned"
        ),
    ),
    Defect(
        name="a closed job's link is the one at the log's end",
        module="holdgate.adapters.sqlite_store",
        old='"SELECT max(seq) FROM entry WHERE subject = ? AND seq < ?"',
        new='"SELECT max(seq) FROM entry WHERE subject = ? AND seq < max(?, 999999)"',
        check=(
            "tests/unit/test_closed_subjects.py::"
            "test_a_node_opens_without_its_snapshot_after_acts_on_a_job_that_was_closed"
        ),
        after="a site that had acted on a closed job did not open after a crash",
        soak=True,
    ),
    Defect(
        name="rows of a failed commit stay",
        module="holdgate.adapters.sqlite_store",
        old='                writer.execute("ROLLBACK")',
        new='                writer.execute("COMMIT")',
        check=(
            "tests/faults/test_append_faults.py::"
            "test_one_failed_write_loses_nothing_acknowledged_and_doubles_nothing[entry-after-1]"
        ),
        soak=True,
    ),
    Defect(
        name="a clock that leaps ahead is followed",
        module="holdgate.engine.steady",
        old="        return self._trusted + ticks, shown",
        new="        return shown, shown",
        check=steady("a_hub_whose_clock_was_hours_ahead_takes_what_is_signed_when_it_is_set_right[True]"),
        after="a hub whose clock had been 2.6 hours ahead refused every act for as long",
    ),
    Defect(
        name="small leaps of a clock add up",
        module="holdgate.engine.steady",
        old="        if shown - ticks <= self._trusted + self._leap_us:\n",
        new=(
            "        if shown - ticks <= self._trusted + self._leap_us:\n"
            "            self._trusted = max(self._trusted, shown - ticks)\n"
        ),
        check=steady("many_small_leaps_are_one_large_one"),
        soak=True,
    ),
    Defect(
        name="a start is dated by a clock that is hours ahead of the Vault's",
        module="holdgate.sites.reconcile",
        old="                    self._clock.compare(self._opened(note, seat)[1])",
        new="                    self._clock.heard(self._opened(note, seat)[1])",
        check=steady("a_hub_that_starts_with_a_clock_ahead_of_the_vaults_does_not_date_its_start_by_it"),
        soak=True,
    ),
    Defect(
        name="an old word of a Vault sets a site's time back",
        module="holdgate.engine.steady",
        old="        self._trusted = max(self._trusted, at - self._timepiece.ticks())",
        new="        self._trusted = at - self._timepiece.ticks()",
        check=steady("an_old_word_of_a_vault_takes_nothing_back"),
        soak=True,
    ),
    Defect(
        name="a Vault's clock that leaps ahead closes windows early",
        module="holdgate.bootstrap",
        old="            mirror,\n            steady,",
        new="            mirror,\n            SteadyClock(clock, 10**18),",
        check=steady("a_vault_whose_clock_leaps_ahead_still_tells_the_time"),
        soak=True,
    ),
)
