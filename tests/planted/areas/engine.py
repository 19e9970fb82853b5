"""Planted defects: acknowledgement, dedupe, what is durable, starts."""

from typing import Final

from tests.planted.defect import Defect, Worlds

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
        check=Worlds(
            (
                "disk",
                "crash",
            )
        ),
    ),
    Defect(
        name="an act is acknowledged before it is durable",
        module="holdgate.engine.append",
        old="self._written(size, self._commit(drafts, head, root))",
        new=("self._written(size, self._notary.checkpoint(size, root))\n            self._commit(drafts, head, root)"),
        check=Worlds(
            (
                "crash",
                "disk",
            )
        ),
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
        check=Worlds(
            (
                "loss",
                "twice",
            )
        ),
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
    ),
)
