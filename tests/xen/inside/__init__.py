"""What runs in the lab's dom0: functions ``test_*(dom0)`` that the harness calls one after another, in one process.

There is no pytest, whose import alone takes longer there than a container's whole life.
"""
