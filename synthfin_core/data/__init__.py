"""From a source to windows: sources, uploads, panels, and the windows cut from them."""
