"""Tests of ringfence; the helpers they share are in tests/support."""
