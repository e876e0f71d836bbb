"""Rules about the values of a config that hold on every host, one module for each part of it.

A rule is given typed values and adds what is wrong to the problems.
"""
