"""Networks that generators train; the settings and objectives stand in `synthfin_core.generators`."""
