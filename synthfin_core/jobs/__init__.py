"""Training away from the page: what a fit writes down, the worker, and the executor."""
