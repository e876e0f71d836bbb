"""The command line: one module per verb, one table of options."""
