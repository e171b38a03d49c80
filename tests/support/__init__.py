"""What component tests of the operator share: a proxy that injects faults, the operator as a process."""
