"""How often and with which examples a property is tried."""

from hypothesis import HealthCheck, settings

# The time that an example takes says how busy the machine is, not whether the property holds.
settings.register_profile("base", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples every time: a change must not fail by a defect that was there before it. What
# has not been tried yet is tried by `make soak`, which no change waits for.
settings.register_profile("gate", settings.get_profile("base"), derandomize=True)
settings.register_profile(
    "soak", settings.get_profile("base"), derandomize=False, max_examples=2_000
)
settings.load_profile("gate")
