"""Classical latent models, over rows and strips of plain numbers: factors, mixtures, hidden states.

Each is fitted by expectation maximisation, has a likelihood that can be computed, and is kept as plain arrays. Nothing
here knows windows or generators; `synthfin_core.generators` makes generators of them.
"""
