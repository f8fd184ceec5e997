"""What the bars already seen do to the next one: one rule for all windows, whatever their latents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LARGEST = 10.0  # standard deviations

# Letters of the shapes: b windows, t steps, d series.


class Feedback(nn.Module):
    r"""What the steps already drawn do to the next one, whatever the latents.

    The size and sign of recent moves, averaged over about a day, a week and a month, shift the logarithm of the next
    scale, and a share `phi` of the last value is carried over:

    .. math:: \log s_t = \log s_t(z) + \sum_j W_j f_{j,t}, \quad
              f_{j,t} = \lambda_j f_{j,t-1} + (1 - \lambda_j) v(y_{t-1}), \quad m_t = m_t(z) + \phi y_{t-1}.

    The first bar sets out from a value of the latents' choice and has a scale of its own, by the factor `exp(first)`:
    levels may begin anywhere and then move little.

    Source: Corsi, "A simple approximate long-memory model of realized volatility" (2009).
    """

    decays: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        self.register_buffer("decays", 0.5 ** (1 / torch.tensor([1.0, 5.0, 20.0])))
        self._kernel = torch.empty(0)
        self.weight = nn.Parameter(torch.zeros(len(self.decays) * 2 * d, d))
        self.phi = nn.Parameter(torch.zeros(d))
        self.first = nn.Parameter(torch.zeros(d))

    def forward(self, y: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Shifts of `m` and `log_s`, both `(b, t, d)`, at every bar of known windows `y (b, t, d)`.

        `before (b, d)` is the value that the first bar sets out from.
        """
        b, t, _ = y.shape
        seen = torch.matmul(self.kernel(t), torch.cat(signals(y, torch.log), dim=-1)).view(b, t, -1)
        past = torch.cat([before.unsqueeze(1), y[:, :-1]], dim=1)
        return self.phi * past, seen @ self.weight + nn.functional.pad(self.first.unsqueeze(0), (0, 0, 0, t - 1))

    def kernel(self, t: int) -> Tensor:
        """Weights `(3 t, t)` of past bars in the averages of each bar, kept from call to call."""
        if len(self._kernel) != 3 * t:
            with torch.inference_mode(False):  # what is kept must also serve in training
                bar = torch.arange(t, device=self.decays.device)
                lag = (bar.view(-1, 1, 1) - bar - 1).to(self.decays)  # (t, 1, t)
                decays = self.decays.view(1, -1, 1)
                weights = torch.where(lag >= 0, (1 - decays) * decays ** lag.clamp(min=0), 0.0)  # (t, 3, t)
                self._kernel = weights.flatten(0, 1)
        return self._kernel

    def unroll(self, m: Tensor, log_s: Tensor, e: Tensor, before: Tensor) -> Tensor:
        """The windows `y (b, t, d)` whose residuals over their scales are `e (b, t, d)`, one bar after the other.

        The loop runs in numpy, whose calls on small arrays cost a fraction of torch's.
        """
        own_m, own_log_s, noise, y = (part.cpu().numpy() for part in (m, log_s, e, before))
        weight, phi, first = (part.detach().cpu().numpy() for part in (self.weight, self.phi, self.first))
        decays = self.decays.cpu().numpy()[:, None]
        seen = np.zeros((len(y), len(decays), 2 * y.shape[1]), dtype=own_m.dtype)
        drawn = np.empty_like(own_m)
        for j in range(own_m.shape[1]):
            log_scale = own_log_s[:, j] + (seen.reshape(len(y), -1) @ weight if j else first)
            y = own_m[:, j] + phi * y + np.exp(log_scale) * noise[:, j]
            drawn[:, j] = y
            now = np.concatenate(signals(y, np.log), axis=1)[:, None]
            seen = now + decays * (seen - now)
        return torch.from_numpy(drawn).to(m.device)

    def mean(self, m: Tensor, before: Tensor) -> Tensor:
        """Mean `(b, t, d)` of the windows: residuals have mean zero at any scale."""
        y, means = before, []
        for step in m.unbind(1):
            y = step + self.phi * y
            means.append(y)
        return torch.stack(means, dim=1)


def signals(y: Any, log: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Size and sign of standardised values `y (..., d)`, of torch or numpy, whose logarithm is handed over.

    Both are bounded: beyond about ten standard deviations a move counts no more, so that no shock feeds on itself.
    """
    size = abs(y)
    return log((size + 0.3) / (1 + size / LARGEST)), y / (1 + size)
