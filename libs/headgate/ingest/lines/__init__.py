"""JSON lines: cut, their layout learned, and each proven by writing it back."""
