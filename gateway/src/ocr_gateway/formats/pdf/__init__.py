"""Searchable PDF: the pages as they came, and what they say as invisible text at its place."""
