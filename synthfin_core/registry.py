"""The shelf: a generator is one file and one line here.

The class is imported only when it is asked for, so listing the shelf imports no torch.
"""

from __future__ import annotations

from importlib import import_module

from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Generator

GENERATORS: dict[str, str] = {
    "vae": "synthfin_core.generators.vae:VAE",
    "timevae": "synthfin_core.generators.timevae:TimeVAE",
    "gan": "synthfin_core.generators.gan:GAN",
    "tcn-gan": "synthfin_core.generators.tcn_gan:TCNGAN",
    "wavelet-diffusion": "synthfin_core.generators.wavelet_diffusion:WaveletDiffusion",
    "egarch": "synthfin_core.generators.egarch:AREGARCH",
    "filtered-historical": "synthfin_core.generators.egarch:FilteredHistorical",
    "hmm": "synthfin_core.generators.hmm:HMM",
    "gaussian": "synthfin_core.generators.gaussian:GaussianGenerator",
    "factor-analysis": "synthfin_core.generators.factor:FactorAnalysis",
    "ppca": "synthfin_core.generators.factor:ProbabilisticPCA",
    "ppca-mixture": "synthfin_core.generators.mixtures:PPCAMixture",
    "gaussian-mixture": "synthfin_core.generators.mixtures:GaussianMixture",
    "block-bootstrap": "synthfin_core.generators.bootstrap:BlockBootstrap",
    "iid-bootstrap": "synthfin_core.generators.bootstrap:IndependentBootstrap",
}


def generator_class(name: str) -> type[Generator]:
    """The generator registered under `name`.

    Raises
    ------
    SettingError
        If there is none of that name.
    """
    if name not in GENERATORS:
        raise SettingError(f"No generator is called {name!r}; there are {', '.join(GENERATORS)}.")
    module, _, attribute = GENERATORS[name].partition(":")
    found: type[Generator] = getattr(import_module(module), attribute)
    return found
