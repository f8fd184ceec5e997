"""Pipelines and samples: units, prices, tables, states."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from conftest import made_panel

from synthfin_core import export
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError, SettingError, SynthFinError, TrainingWarning
from synthfin_core.pipeline import Pipeline, Samples
from synthfin_core.registry import generator_class


def samples_of(windows, part="train") -> Samples:
    chosen = getattr(windows, part)
    return Samples(chosen.x, windows.names, windows.kinds, windows.units, windows.default_start)


class TestSamples:
    def test_real_windows_integrate_to_the_prices_they_were_cut_from(self, panel, windows):
        prices = samples_of(windows).prices(start=windows.train.start)  # (n, t + 1, d)
        for i in (0, 7, len(windows.train) - 1):
            row = windows.train.rows[i]
            np.testing.assert_allclose(prices[i], panel.frame.to_numpy()[row - 1 : row + 10], rtol=1e-12)

    def test_prices_set_out_from_the_last_real_level(self, panel, windows):
        np.testing.assert_array_equal(
            samples_of(windows).prices()[:, 0], np.tile(panel.frame.iloc[-1], (len(windows.train), 1))
        )

    def test_prices_by_a_plain_loop(self, windows):
        x = windows.train.x[:2]
        prices = samples_of(windows).prices(start=[50.0, 200.0])[:2]
        for window in range(2):
            for series, price in enumerate((50.0, 200.0)):
                for step in range(10):
                    price *= np.exp(x[window, step, series])
                    assert prices[window, step + 1, series] == pytest.approx(price, rel=1e-12)

    @pytest.mark.parametrize("start", [0.0, -1.0, np.nan, np.inf, "ten", [1.0, 2.0, 3.0]])
    def test_a_start_that_is_no_price_is_refused(self, windows, start):
        with pytest.raises(SettingError, match=r"The start .* (not a price|neither one price)"):
            samples_of(windows).prices(start)

    def test_each_kind_comes_in_its_own_units(self):
        kinds = {"p": "price", "r": "return", "v": "volume", "l": "level"}
        panel = made_panel(kinds)
        windows = make_windows(panel, length=5)
        values = samples_of(windows).values(start=np.where(np.isnan(windows.train.start), 1.0, windows.train.start))
        row = windows.train.rows[3]
        real = panel.frame.to_numpy()
        np.testing.assert_allclose(values[3, 1:], real[row : row + 5], rtol=1e-9)
        assert values[3, 0, 0] == real[row - 1, 0]
        assert np.isnan(values[3, 0, 1:]).all()

    def test_returns_compound_from_a_hundred(self):
        windows = make_windows(made_panel({"r": "return"}), length=5)
        samples = samples_of(windows)
        np.testing.assert_allclose(samples.prices()[:, -1, 0], 100 * (1 + samples.x[:, :, 0]).prod(axis=1))
        assert samples.values().shape == samples.x.shape

    def test_windows_of_levels_need_no_start(self, panel):
        windows = make_windows(panel, length=5, representation="min-max")
        values = samples_of(windows).values()
        np.testing.assert_array_equal(values, windows.train.x)
        assert samples_of(windows).to_frame()["step"].tolist()[:6] == [1, 2, 3, 4, 5, 1]

    def test_a_volume_is_never_below_zero(self):
        samples = Samples(np.array([[[-0.1], [2.0]]]), ("v",), ("volume",), ("log volume",), np.array([np.nan]))
        np.testing.assert_allclose(samples.values(), [[[0.0], [np.expm1(2.0)]]])

    def test_the_table_names_window_step_and_series(self, windows):
        frame = samples_of(windows).to_frame()
        assert list(frame.columns) == ["window", "step", "one", "two"]
        assert len(frame) == len(windows.train) * 11
        assert frame["step"].max() == 10

    def test_series_called_window_and_step_keep_their_values(self):
        samples = Samples(np.ones((1, 2, 2)), ("window", "step"), ("level",) * 2, ("level",) * 2, np.full(2, np.nan))
        assert list(samples.to_frame().columns) == ["window", "step", "window (series)", "step (series)"]


class TestExport:
    def test_csv_and_parquet_read_back_as_the_table(self, windows):
        samples = samples_of(windows)
        table = samples.to_frame(start=10.0)
        pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(export.to_csv_bytes(samples, 10.0))), table)
        pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(export.to_parquet_bytes(samples, 10.0))), table)

    def test_npz_reads_back_without_pickle(self, windows):
        samples = samples_of(windows)
        with np.load(io.BytesIO(export.to_bytes(samples, ".NPZ")), allow_pickle=False) as arrays:
            np.testing.assert_array_equal(arrays["values"], samples.values())
            assert arrays["names"].tolist() == ["one", "two"]

    def test_an_unknown_ending_is_refused(self, windows):
        with pytest.raises(SettingError, match=r"'.xls', expected one of csv, parquet, npz"):
            export.to_bytes(samples_of(windows), ".xls")


class TestPipeline:
    def test_fit_sample_save_and_load(self, windows, stand_in):
        pipeline = Pipeline(stand_in, {"epochs": 2}).fit(windows, seed=3)
        loaded = Pipeline.load(*pipeline.state())
        assert loaded.sample(5, seed=1).x.tobytes() == pipeline.sample(5, seed=1).x.tobytes()
        assert (loaded.names, loaded.units, loaded.length) == (("one", "two"), ("log return",) * 2, 10)
        np.testing.assert_array_equal(loaded.default_start, windows.default_start)
        assert loaded.representation_name == "standard"

    def test_settings_that_do_badly_are_warned_of_before_training(self, windows, stand_in, monkeypatch):
        def advise(config, x):
            np.testing.assert_array_equal(x, windows.train.x)
            return [f"{config.epochs} epochs are few: take more."]

        monkeypatch.setattr(generator_class(stand_in), "advise", staticmethod(advise))
        steps = []
        with pytest.warns(TrainingWarning, match="^2 epochs are few: take more.$"):
            Pipeline(stand_in, {"epochs": 2}).fit(windows, on_step=steps.append)
        assert steps

    def test_samples_have_the_scale_of_the_windows(self, windows, stand_in):
        x = Pipeline(stand_in).fit(windows).sample(2000).x
        np.testing.assert_allclose(x.std(axis=(0, 1)), windows.train.x.std(axis=(0, 1)), rtol=0.05)

    def test_latent_points_become_windows_in_window_units(self, windows, stand_in):
        pipeline = Pipeline(stand_in).fit(windows)
        mu, logvar = pipeline.encode(windows.train.x[:4])
        assert mu.shape == logvar.shape == (4, 2)
        np.testing.assert_allclose(pipeline.decode(mu)[:, -1], windows.train.x[:4, -1], rtol=1e-12)
        assert pipeline.sample_given(mu, seed=1).shape == (4, 10, 2)

    def test_a_representation_of_levels_wants_windows_of_levels(self, windows, stand_in):
        with pytest.raises(DataError, match="'min-max' needs windows of levels"):
            Pipeline(stand_in, representation_name="min-max").fit(windows)

    def test_the_windows_name_the_representation(self, panel, stand_in):
        windows = make_windows(panel, length=10, representation="min-max")
        assert Pipeline(stand_in).fit(windows).representation_name == "min-max"

    def test_what_is_not_fitted_says_so(self, stand_in):
        with pytest.raises(SynthFinError, match="has not been fitted: call fit first"):
            Pipeline(stand_in).sample(3)

    @pytest.mark.parametrize("n", [0, -1, 2.5, True, 10**12])
    def test_a_count_that_is_none_is_refused(self, windows, stand_in, n):
        pipeline = Pipeline(stand_in, {"epochs": 1}).fit(windows)
        with pytest.raises(SettingError, match=r"n is .*, expected a whole number from 1 to"):
            pipeline.sample(n)

    def test_latent_points_of_a_wrong_shape_are_refused(self, windows, stand_in):
        pipeline = Pipeline(stand_in, {"epochs": 1}).fit(windows)
        with pytest.raises(DataError, match=r"shape \(2,\), expected finite numbers \(points, dimensions\)"):
            pipeline.decode(np.zeros(2))

    def test_a_model_without_latents_says_so(self, windows, stand_in, monkeypatch):
        pipeline = Pipeline(stand_in, {"epochs": 1}).fit(windows)
        monkeypatch.setattr(type(pipeline.generator), "latent", False)
        with pytest.raises(SettingError, match="has no latent space"):
            pipeline.encode(windows.train.x)
