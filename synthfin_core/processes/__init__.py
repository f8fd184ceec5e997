"""Classical processes on rows of bars `(s, d)`: what a series would be if one simple law made it."""
