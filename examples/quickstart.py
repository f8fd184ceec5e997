"""From real index data to synthetic prices and their scores in seconds: `python -m examples.quickstart`."""

import synthfin_core as sf

panel = sf.load("us-indices")
windows = sf.make_windows(panel, length=20, stride=10)
model = sf.fit(windows, "vae", seed=0, epochs=20)
paths = model.sample(500, seed=1)
print(paths.to_frame().head(), end="\n\n")
print(sf.evaluate(windows, paths, floors=True))
