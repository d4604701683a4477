"""What a spreadsheet must not be given."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Signs by which a cell's text begins a formula."""


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
