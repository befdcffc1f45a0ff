"""What the program is about: business time, policies, clocks, decisions.

Pure: the standard library only, no clock (``now`` is an argument), no I/O, no logging.
"""
