"""Stand-ins for the tools of FreeBSD's jails: they hold state in a folder and answer as the real ones were measured to.

A link with a tool's name leads to one small launcher, which imports the module of that name here. Each call starts an
interpreter, so these modules import as little as they can. Which jail a process is in is kept by the kernel in two
marks that children inherit: its root folder, and its ``oom_score_adj``, which tells the JID (``library.c`` sets both).
"""
