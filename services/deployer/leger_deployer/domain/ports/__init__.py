"""What the domain needs of the host, as ports: each adapter keeps one of these promises.

Every method may raise the LegerError of its port when what it speaks to does not answer:
SystemdUnavailable, PodmanUnavailable, HostCommandFailed, SecretsUnavailable, and StorageUnavailable
or DiskFull.
"""
