"""Scenarios that go on where another one is: an awkward case says only what is awkward about it.

`after: NAME` puts the steps of the file NAME beside it before a scenario's own; `until: N` only those up to its step N. Both
are in the same world. What one of them has as `given` holds from the beginning: the later file's, where it has any.
"""

from pathlib import Path

from msgspec.structs import replace

from holdgate.scenario.files import ScenarioFile, check_order, read_scenario
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id


def read_whole(path: Path, later: tuple[str, ...] = ()) -> ScenarioFile:
    """Read a scenario file with everything that comes before it.

    Args:
        path: the file.
        later: names of the files that come after it.

    Raises:
        Malformed: what is wrong and where; a missing file raises OSError.
    """
    scenario = read_scenario(path)
    if scenario.after is None:
        return scenario
    what, name = f"the scenario {path.name}", check_id(scenario.after, f"the scenario {path.name}, at after:")
    if name in (*later, path.name):
        raise Malformed(f"{what} comes after {name}, which comes after it")
    first = read_whole(path.with_name(name), (*later, path.name))
    if first.world != scenario.world:
        raise Malformed(f"{what} comes after {name}, which is in the world {first.world}, not in {scenario.world}")
    until = first.steps[-1].n if scenario.until is None else scenario.until
    if all(step.n != until for step in first.steps):
        raise Malformed(f"{what} comes after step {until} of {name}, which has no such step")
    steps = (*(step for step in first.steps if step.n <= until), *scenario.steps)
    check_order(steps, what)
    return replace(scenario, steps=steps, given=scenario.given or first.given)
