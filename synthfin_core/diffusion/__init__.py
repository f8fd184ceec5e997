"""Diffusion: numbers drown in noise step by step, and a network learns the way back."""
