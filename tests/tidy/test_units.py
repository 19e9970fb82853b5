"""The systemd unit takes away what a site does not need, and nothing that it does."""

import re
import shutil
import subprocess
from typing import Final

from tests.tidy.tree import ROOT

UNIT: Final = ROOT / "examples" / "systemd" / "holdgate@.service"
WANTED: Final = {
    "CapabilityBoundingSet": "",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "UMask": "0077",
    "LimitCORE": "0",
    "RestrictNamespaces": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallErrorNumber": "EPERM",
    "User": "holdgate-%i",
}
CALLS: Final = """
accept4 access arch_prctl bind brk chmod clock_adjtime clock_nanosleep clone3 close connect epoll_create1 epoll_ctl
epoll_pwait epoll_wait eventfd2 execve exit exit_group fcntl fdatasync flock fsync ftruncate futex getcwd getdents64
geteuid getpeername getpid getrandom getsockname gettid io_uring_enter io_uring_setup ioctl listen lseek madvise mkdir
mmap mprotect munmap newfstatat openat pipe2 pread64 prlimit64 pwrite64 read readlink recvfrom rename rmdir rseq
rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sendto set_robust_list set_tid_address setsockopt socket
socketpair statfs statx sysinfo uname unlink wait4 write
"""
"""What `strace -f` saw of a shop that started, served pages, status and metrics, and stopped; and connect, rename, wait4."""
GRADE_MAX: Final = 2.0
"""Of `systemd-analyze security`: 0 is the least exposed, 10 the most."""


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_takes_away_what_a_site_does_not_need() -> None:
    found = settings()
    assert {name: found.get(name, ["(missing)"])[-1] for name in WANTED} == WANTED


def test_the_unit_leaves_what_reads_the_clocks_quality() -> None:
    """A call that is not listed ends the process where no error number is named; ProtectClock= refuses the reading too."""
    found = settings()
    assert "ProtectClock" not in found
    assert {"clock_adjtime", "adjtimex"} <= set(found["SystemCallFilter"][-1].split()), "after what is taken away"


def test_the_manual_shows_no_second_unit() -> None:
    manual = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert "examples/systemd/holdgate@.service" in manual
    assert "[Service]" not in manual


def test_systemd_itself_agrees_where_it_is_installed() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        return  # the tests above say what has to be there; this one asks the authority
    allowed: set[str] = set()
    for line in settings()["SystemCallFilter"]:
        calls = set().union(*(_calls(program, word) for word in line.removeprefix("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    assert sorted(set(CALLS.split()) - allowed) == []
    graded = subprocess.run(
        [program, "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    grade = re.search(r"exposure level for .*: ([0-9.]+) ", graded.stdout)
    assert grade is None or float(grade[1]) <= GRADE_MAX, graded.stdout


def _calls(program: str, name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    done = subprocess.run([program, "syscall-filter", name], capture_output=True, text=True, check=True, timeout=60)
    words = [line.strip() for line in done.stdout.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(_calls(program, word) for word in words)) if words else set()
