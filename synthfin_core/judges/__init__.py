"""Networks that are asked to tell real windows from synthetic ones; they see arrays only."""
