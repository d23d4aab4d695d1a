"""Years of the real engine in a world of our own: its clock, servers, files, people and faults.

One seed tells all that happens. `play.play` runs it, `laws.Laws` holds it to what was promised.
"""
