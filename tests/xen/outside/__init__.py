"""Tests of the wall of Xen domains without any Xen: a stand-in answers as the toolstack was seen to."""
