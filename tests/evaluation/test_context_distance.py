import numpy as np
import pytest
from scipy.linalg import sqrtm
from test_discrepancy import clustered, shuffled_values
from test_features import moves

from synthfin_core.errors import DataError
from synthfin_core.evaluation import context_distance
from synthfin_core.evaluation.context_distance import context_fid, context_fids, frechet_distance
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.rng import stream


def with_moments(mean, covariance, n=200):
    """Rows with exactly this mean and covariance."""
    draws = stream(0, "rows").standard_normal((n, len(mean)))
    draws -= draws.mean(axis=0)
    white = draws @ np.linalg.inv(np.linalg.cholesky(np.cov(draws, rowvar=False))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def test_frechet_distance_agrees_with_scipy():
    a = stream(1, "a").standard_normal((80, 6)) @ stream(2, "mix").standard_normal((6, 6))
    b = stream(3, "b").standard_normal((60, 6)) + 0.5
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + other - 2 * sqrtm(one @ other).real)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_frechet_distance_of_commuting_covariances_is_that_of_their_roots():
    turn = np.linalg.qr(stream(4, "turn").standard_normal((5, 5)))[0]
    first, second = np.array([4.0, 1, 9, 2, 0.5]), np.array([1.0, 2, 3, 0.1, 7])
    shift = np.arange(5.0)
    a = with_moments(np.zeros(5), turn @ np.diag(first) @ turn.T)
    b = with_moments(shift, turn @ np.diag(second) @ turn.T)
    assert frechet_distance(a, b) == pytest.approx((shift**2).sum() + ((first**0.5 - second**0.5) ** 2).sum())


def test_frechet_distance_holds_where_rows_are_fewer_than_columns():
    a = stream(5, "few").standard_normal((10, 40))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(a, a + 1) == pytest.approx(40)
    assert frechet_distance(a, np.zeros((10, 40))) == pytest.approx(
        (a.mean(axis=0) ** 2).sum() + a.var(axis=0, ddof=1).sum()
    )


@pytest.fixture(scope="module")
def scores():
    real = clustered(260, 30, 11)
    sets = {
        "itself": real,
        "reordered": stream(0, "order").permutation(real),
        "same process": clustered(260, 30, 12),
        "no memory": shuffled_values(real, 1),
        "noise": clustered(260, 30, 13) + 0.7 * stream(1, "noise").standard_normal(real.shape),
        "mean": np.tile(real.mean(axis=0), (260, 1, 1)),
    }
    found = context_fids([(real, x) for x in sets.values()], Context())
    return dict(zip(sets, found, strict=True))


def test_it_is_zero_for_itself_and_at_the_floor_in_any_order(scores):
    assert scores["itself"] == pytest.approx(0, abs=1e-9)
    assert scores["reordered"] < 1.5 * scores["same process"]


def test_faults_are_seen(scores):
    assert scores["no memory"] > 2 * scores["same process"]
    assert scores["noise"] > 2 * scores["same process"]
    assert scores["mean"] > 20 * scores["same process"]


def test_each_real_data_set_has_one_encoder_and_all_give_equally_many_windows(monkeypatch):
    asked = []

    def distances(real, sets, size, count, seed):
        asked.append((len(real), [len(x) for x in sets], count))
        return [float(len(x)) for x in sets]

    monkeypatch.setattr(context_distance, "_distances", distances)
    one, other = moves(40, 8, 1), moves(30, 8, 1)
    pairs = [(one, moves(n, 8, 1)) for n in (50, 20)] + [(other, moves(25, 8, 1)), (one, moves(60, 8, 1))]
    assert context_fids(pairs, Context()) == [50, 20, 25, 60]
    assert asked == [(40, [50, 20, 60], 20), (30, [25], 20)]


def test_the_literature_s_settings_are_the_defaults(monkeypatch):
    asked = []

    def distances(real, sets, size, count, seed, standardise):
        asked.append((size, count, standardise))
        return [0.0]

    monkeypatch.setattr(context_distance, "_distances", distances)
    context_fid(np.zeros((1000, 10, 10)), np.zeros((700, 10, 10)))
    context_fid(np.zeros((1001, 10, 10)), np.zeros((2000, 10, 10)))
    (few, _, _), (many, _, _) = asked
    assert [count for _, count, _ in asked] == [700, 1001]
    assert (few.output, few.hidden, few.depth, few.batch, few.learning_rate) == (320, 64, 10, 8, 1e-3)
    assert (few.iterations, many.iterations) == (200, 600)


def test_the_protocol_runs_on_windows_as_they_are():
    real, synthetic = (stream(i, "unit").uniform(size=(24, 6, 2)) for i in range(2))
    size = dict(iterations=3, hidden=8, output=8, depth=2, standardise=False)
    found = context_fid(real, synthetic, **size)
    assert found == context_fid(real, synthetic, **size)
    assert 0 < found < context_fid(real, 5 * synthetic, **size)
    assert context_fid(real, real, **size) == pytest.approx(0, abs=1e-9)


def test_too_few_and_too_short_windows_are_left_out_with_the_reason():
    needs = METRICS["context_fid"].needs
    assert "at least 16 windows" in needs.unmet(moves(20, 8, 1), moves(9, 8, 1), ["one"])
    assert "at least 4 steps" in needs.unmet(moves(20, 3, 1), moves(20, 3, 1), ["one"])


def test_windows_of_another_length_or_with_gaps_are_refused():
    x = moves(20, 8, 2)
    with pytest.raises(DataError, match="compare windows of one length and of the same series"):
        context_fid(x, x[:, :5])
    with pytest.raises(DataError, match="The synthetic data holds 1 values that are missing"):
        context_fid(x, np.where(x == x[3, 2, 1], np.nan, x))
