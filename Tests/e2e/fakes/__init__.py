"""Fake providers on TCP that refuse what the real ones refuse."""
