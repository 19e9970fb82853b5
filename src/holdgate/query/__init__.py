"""Questions to the record: what a decision rests on, what a recall touches, who may do what, what runs out, what is open.

Everything here is a pure fold of entries or a reading of a state that was folded from them: nothing is decided, nothing is
kept that cannot be thrown away and made again. Each module names the part of the framework that asks its question.
"""
