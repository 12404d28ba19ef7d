"""The command line `leger`: a client of the services, with no state of its own."""
