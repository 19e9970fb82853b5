"""Planted defects: steps, readings, equipment, windows, permits."""

from typing import Final

from tests.planted.defect import Defect, gate, scenario, template

DEFECTS: Final = (
    Defect(
        name="a job starts on parts that never arrived",
        module="holdgate.law.gates.sequence",
        old="    if missing or not wanted:",
        new="    if False:",
        check=gate("a_job_on_parts_that_are_not_here"),
    ),
    Defect(
        name="a job starts before anything arrived",
        module="holdgate.law.gates.sequence",
        old=(
            "        if not named or named == case.state.site:\n"
            '            case.deny("NO_ARRIVAL", order=command.order)'
        ),
        new="        pass",
        check=scenario("101"),
    ),
    Defect(
        name="a step is begun before its pre-checks",
        module="holdgate.law.gates.sequence",
        old="    if not operation.precheck:\n",
        new="    if False:\n",
        check=scenario("101"),
    ),
    Defect(
        name="a part is in two lots",
        module="holdgate.law.gates.sequence",
        old="if sorted(parts) != sorted(job.serials) or",
        new="if {*parts} != {*job.serials} or",
        check=scenario("119"),
    ),
    Defect(
        name="a part is worked in two jobs at once",
        module="holdgate.law.gates.sequence",
        old="        if busy:\n",
        new="        if False:\n",
        check=scenario("221"),
    ),
    Defect(
        name="work goes on under an open nonconformance",
        module="holdgate.law.gates.sequence",
        old=('    if found:\n        case.deny("NCR_OPEN"'),
        new=('    if False:\n        case.deny("NCR_OPEN"'),
        check=scenario("127"),
    ),
    Defect(
        name="an instrument out of calibration measures",
        module="holdgate.law.gates.equipment",
        old="    if not equipment.cal_from <= case.now <= equipment.cal_until:",
        new="    if False:",
        check=scenario("113"),
    ),
    Defect(
        name="calibration may lapse within the step",
        module="holdgate.law.gates.equipment",
        old="    elif end_at > equipment.cal_until:",
        new="    elif False:",
        check=scenario("113"),
    ),
    Defect(
        name="equipment out of service is used",
        module="holdgate.law.gates.equipment",
        old="    if not equipment.in_service:",
        new="    if False:",
        check=gate("equipment_that_was_withdrawn"),
    ),
    Defect(
        name="a reading with the wrong instrument counts",
        module="holdgate.law.gates.equipment",
        old="    if equipment.equipment_class != measure.instrument_class:",
        new="    if False:",
        check=scenario("225"),
    ),
    Defect(
        name="a pass is signed on a bad reading",
        module="holdgate.law.gates.readings",
        old='    if command.result != "pass":\n',
        new='    if command.result == "pass":\n',
        check=scenario("115"),
    ),
    Defect(
        name="a correction hides a bad reading",
        module="holdgate.law.gates.readings",
        old="        return attempt.missed.get(key)",
        new="        return None",
        check=gate("a_pass_after_one_bad_reading_where_all_must_conform"),
    ),
    Defect(
        name="a reading in another unit is taken",
        module="holdgate.law.gates.readings",
        old="if type(command) is not c.CorrectEntry and command.unit != measure.unit:",
        new="if False:",
        check=scenario("128"),
    ),
    Defect(
        name="the limit itself does not conform",
        module="holdgate.law.technique",
        old=("and (self.high is None or value <= self.high)\n            and (self.equals"),
        new=("and (self.high is None or value < self.high)\n            and (self.equals"),
        check=gate("a_pass_just_above_the_upper_limit"),
    ),
    Defect(
        name="a hold point does not hold",
        module="holdgate.law.gates.points",
        old="    if operation.id not in job.released:",
        new="    if False:",
        check=scenario("128"),
    ),
    Defect(
        name="a witness is told afterwards",
        module="holdgate.law.gates.points",
        old="if noticed is None or case.now - noticed < operation.notice_us:",
        new="if noticed is None:",
        check=scenario("128"),
    ),
    Defect(
        name="a window's upper end is no end",
        module="holdgate.law.gates.windows",
        old="elif window.high_us is not None and elapsed_us > window.high_us and",
        new="elif False and",
        check=template("permit-to-work/20-looked-at-this-morning"),
    ),
    Defect(
        name="a window's first instant is too early",
        module="holdgate.law.gates.windows",
        old="    if elapsed_us < window.low_us:",
        new="    if elapsed_us <= window.low_us:",
        check=gate("a_step_before_the_one_before_it"),
    ),
    Defect(
        name="a deviation is used twice",
        module="holdgate.law.gates.deviations",
        old="    if deviation.used:",
        new="    if False:",
        check=scenario("227"),
    ),
)
