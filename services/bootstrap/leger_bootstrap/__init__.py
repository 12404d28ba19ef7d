"""legerd: what prepares a host and starts the pod, and what each container of the pod runs."""
