"""The real Kubernetes of the tests: a control plane for component tests, a whole node for the e2e tests.

`python -m tests.cluster --help` drives it by hand; `tests.cluster.fixtures` gives it to pytest.
"""
