"""Renderers: a recognised document as a response body."""
