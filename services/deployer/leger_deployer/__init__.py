"""The deployer service: stacks of Quadlets, brought onto the host as one transaction each."""
