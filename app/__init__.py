"""The studio in the browser: thin pages over `synthfin_core`."""
