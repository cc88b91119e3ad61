"""The hot path: taking an answer and leasing the next places, in as few statements as each database allows.

Read `shapes` first, then `postgresql` (one statement), then `sqlite` (the same steps, one by one). What they may and
may not do is held by the constraints of the tables, and tested by one suite over both.

Choosing the next task costs the same however many tasks there are and however many the worker has done, because of
the *bookmark*: the highest position that this worker was ever given in a batch and priority level, read from an index.
Positions only grow, and a reopened place takes a new one, so what is new lies ahead of everybody's bookmark. Only when
nothing lies ahead are all open places looked at again: those passed while somebody held them locked, and those that
this worker let go.
"""
