"""The web page: server and built static files."""
