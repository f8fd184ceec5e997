"""What the two sides of a generative adversarial network minimise, and the penalty that keeps the judge smooth.

A judge `D` gives every window one number, `(n, 1)`, higher for what looks real. As a *discriminator* it gives the
logit of the probability of being real (Goodfellow et al., 2014); as a *critic* it gives a score whose mean gap
between real and generated windows estimates their Wasserstein distance, as long as its slope stays near one
(Arjovsky et al., 2017; Gulrajani et al., 2017). In the *relativistic* game only differences count: the judge says how
much more real a real window looks than a generated one (Jolicoeur-Martineau, 2018), which leaves the generator no
reward for a few shapes that always pass (Huang et al., "The GAN is dead; long live the GAN!", 2024,
https://arxiv.org/abs/2501.05441).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional

Judge = Callable[[Tensor], Tensor]

#: Weight of the gradient penalty at strength 1: for Wasserstein that of its authors; for BCE the one under which
#: windows of 60 days of S&P 500 and NASDAQ came out alike over seeds.
USUAL_PENALTY = {"wasserstein": 10.0, "bce": 0.5, "relativistic": 0.5}


def judge_loss(
    kind: str, judge: Judge, real: Tensor, fake: Tensor, strength: float, noise: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the judge minimises, and its named parts.

    Parameters
    ----------
    kind : str
        ``"bce"``, ``"wasserstein"`` or ``"relativistic"``.
    judge : callable
        Maps windows `(n, t, d)` to scores `(n, 1)`.
    real, fake : Tensor
        Windows `(n, t, d)`.
    strength : float
        Of the gradient penalty; 1 is usual, 0 leaves it out.
    noise : torch.Generator
        Where the penalty of the Wasserstein loss draws its points between real and generated windows.

    Returns
    -------
    loss : Tensor
    parts : dict of str to Tensor
        ``"discriminator"`` or ``"critic"`` (the estimated distance), and ``"gradient_penalty"`` with its weight.
    """
    score_real, score_fake = judge(torch.cat([real, fake])).split(len(real))
    if kind == "wasserstein":
        distance = wasserstein(score_real, score_fake)
        loss, parts = -distance, {"critic": distance}
    else:
        compare = discriminator_bce if kind == "bce" else relativistic
        loss = compare(score_real, score_fake)
        parts = {"discriminator": loss}
    if strength == 0:
        return loss, parts
    if kind == "bce":
        penalty = flat_slope_penalty(judge, real)
    elif kind == "relativistic":
        # R1 + R2, each by every other window: twice the mean over both.
        penalty = 2 * flat_slope_penalty(judge, torch.cat([real[::2], fake[::2]]))
    else:
        share = torch.rand((len(real), 1, 1), generator=noise, device=real.device)
        penalty = unit_slope_penalty(judge, real, fake, share)
    parts["gradient_penalty"] = strength * USUAL_PENALTY[kind] * penalty
    return loss + parts["gradient_penalty"], parts


def generator_loss(kind: str, judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator minimises, given real windows and its own, `(n, t, d)` each; `kind` as in `judge_loss`."""
    if kind == "relativistic":
        with torch.no_grad():
            score = judge(real)
        return relativistic(judge(fake), score)
    return generator_bce(judge(fake)) if kind == "bce" else generator_wasserstein(judge(fake))


def discriminator_bce(real: Tensor, fake: Tensor) -> Tensor:
    r"""Binary cross-entropy of the discriminator, real against generated.

    .. math:: -E[\log \sigma(D(x))] - E[\log(1 - \sigma(D(\tilde x)))]

    Parameters
    ----------
    real, fake : Tensor
        Logits `(n, 1)` of real and of generated windows.

    Returns
    -------
    Tensor
        One number: `2 log 2` where the two cannot be told apart, zero where they are told apart surely.
    """
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_bce(fake: Tensor) -> Tensor:
    """The non-saturating loss of the generator, `-E[log sigmoid(D(G(z)))]`, from logits `(n, 1)`."""
    return functional.softplus(-fake).mean()


def wasserstein(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's estimate of the Wasserstein distance, `E[D(x)] - E[D(G(z))]`, from scores `(n, 1)`.

    The critic climbs it. The unit is that of the windows the critic sees, summed over the window as a Euclidean
    length.
    """
    return real.mean() - fake.mean()


def generator_wasserstein(fake: Tensor) -> Tensor:
    """What the generator minimises against a critic, `-E[D(G(z))]`, from scores `(n, 1)`."""
    return -fake.mean()


def relativistic(winner: Tensor, loser: Tensor) -> Tensor:
    r"""Loss of the side that wants `winner` above `loser`, from scores `(n, 1)` of paired windows.

    .. math:: -E[\log \sigma(D(x) - D(\tilde x))]

    The judge wants real windows above generated ones, the generator the other way round; either has `log 2` where the
    two cannot be told apart.
    """
    return functional.softplus(loser - winner).mean()


def slope(judge: Judge, x: Tensor) -> Tensor:
    """Length of the judge's gradient at each window `x (n, t, d)`: `(n,)`, itself differentiable.

    The fused recurrent kernels of cuDNN have no second derivative; they are switched off inside.
    """
    x = x.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False) if x.is_cuda else nullcontext():
        (gradient,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)  # (n, t, d)
    length: Tensor = gradient.flatten(1).norm(dim=1)
    return length


def unit_slope_penalty(judge: Judge, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    r"""Mean squared distance of the critic's slope from one, between real and generated windows.

    .. math:: E[(\lVert \nabla D(\hat x) \rVert - 1)^2], \quad \hat x = u x + (1 - u) \tilde x

    Parameters
    ----------
    judge : callable
        Maps windows `(n, t, d)` to scores `(n, 1)`, each from its own window alone.
    real, fake : Tensor
        Windows `(n, t, d)`.
    share : Tensor
        The shares `u (n, 1, 1)` of the real windows, uniform between zero and one.
    """
    return ((slope(judge, fake + share * (real - fake)) - 1) ** 2).mean()


def flat_slope_penalty(judge: Judge, x: Tensor) -> Tensor:
    """Mean squared slope of the discriminator, half of it: `E[|grad D(x)|^2] / 2`.

    At the real windows this is the R1 penalty, under which training against a non-saturating generator settles
    (Mescheder et al., 2018).
    """
    return (slope(judge, x) ** 2).mean() / 2
