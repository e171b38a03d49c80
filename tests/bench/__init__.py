"""The engine benchmark: pages with known text, scores, engines, a report (`make bench-engine`)."""
