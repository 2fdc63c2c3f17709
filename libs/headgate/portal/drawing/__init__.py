"""Charts and graphs as SVG, drawn on the server."""
