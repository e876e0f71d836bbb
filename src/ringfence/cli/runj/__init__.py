"""The command line of runj: what is other than ours, as options, texts and verbs (JAIL-COMPAT-01, 02).

Everything else, what a container is and what is done for it, is as under every other name.
"""
