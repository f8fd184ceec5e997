"""One file a family: settings, objective, `fit` and `sample`; listed in `synthfin_core.registry`."""
