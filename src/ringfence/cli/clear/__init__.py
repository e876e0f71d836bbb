"""The command line of cc-oci-runtime and clr-oci-runtime (MVM-CCOR-12 to 20).

It is our own with more options and other texts: an engine that calls ringfence by such a name finds all of runc's
words, and a script of those runtimes finds what it knew.
"""
