"""The plan: steps, their wire encoding, their description."""
