"""From how many source images an interval covers as often as it says, by simulation (tests/simulation).

Standard library only: the screen keeps to it too.
"""

WORTH_FROM = 32
COMPARED_FROM = 60  # ways that share no cells
GAIN_FROM = 120  # ways that do
LEAD_FROM = 240  # one half chooses, the other is measured on
