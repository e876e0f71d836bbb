"""Tests for the guest alone; tests/guest/test_inside.py runs them there."""
