"""Stored rows judged anew, in their own columns or in others."""
