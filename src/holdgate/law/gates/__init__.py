"""The gates: one file per rule family. A gate is a function of a case that notes unmet conditions and nothing else.

`holdgate.law.gates.table.GATES` is their fixed order; each names the acts that it guards.
"""
