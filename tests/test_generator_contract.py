"""What every registered generator promises, whatever it is."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest

from synthfin_core.errors import DataError, SettingError, SynthFinWarning
from synthfin_core.registry import GENERATORS, generator_class

torch = pytest.importorskip("torch")

T = 12


@pytest.fixture(scope="module", params=list(GENERATORS))
def family(request):
    """Each generator's class in turn."""
    return generator_class(request.param)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    """Represented windows `(n, t, d)` with heavy tails and two correlated series."""
    return made_windows(2)


@pytest.fixture(scope="module")
def fitted(family, x):
    """The generator fitted with its tiny settings, and what it reported."""
    told = []
    model = family(family.Config.tiny()).fit(x, seed=1, on_step=told.append)
    return model, told


def made_windows(d: int, n: int = 80) -> np.ndarray:
    draws = np.random.default_rng(7)
    common = draws.standard_t(5, size=(n, T, 1))
    return 0.7 * common + 0.7 * draws.standard_t(5, size=(n, T, d))


def quietly(action):
    """A tiny fit of strange data may well be warned of; that is not what is tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SynthFinWarning)
        return action()


def same(a, b) -> bool:
    return set(a) == set(b) and all(np.asarray(a[name]).tobytes() == np.asarray(b[name]).tobytes() for name in a)


class TestSettings:
    def test_every_setting_is_explained_and_bounded(self, family):
        for setting in family.Config.params():
            assert setting.help.endswith("."), setting.name
            assert setting.type is bool or setting.choices or (setting.ge is not None and setting.le is not None), (
                setting
            )
            assert setting.type is not str or setting.choices or setting.most_numbers, setting
            assert setting.label

    def test_every_setting_changes_the_stored_form(self, family):
        for setting in family.Config.params():
            other = _another(setting)
            changed = family.Config.from_dict({setting.name: other})
            assert changed.to_dict() != family.Config().to_dict(), setting.name
            assert family.Config.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed

    def test_every_bound_is_kept(self, family):
        for setting in family.Config.params():
            if setting.ge is None:
                continue
            text = str if setting.most_numbers else type(setting.ge)
            for wrong in (text(setting.ge - 1), text(setting.le + 1), "x"):
                with pytest.raises(SettingError, match=f"{setting.name} is .*, expected"):
                    family.Config.from_dict({setting.name: wrong})

    def test_presets_are_settings_of_this_generator(self, family):
        presets = family.Config.presets()
        assert next(iter(presets)) == "recommended"
        assert presets["recommended"] == family.Config()
        assert all(type(preset) is family.Config for preset in presets.values())
        assert type(family.Config.tiny()) is family.Config

    @pytest.mark.parametrize("shape", [(2500, 60, 2), (3662, 24, 6), (9000, 64, 1), (192, 10, 5)])
    def test_the_recommended_settings_suit_usual_windows(self, family, shape):
        family.check(family.Config(), *shape)

    def test_settings_that_are_recommended_are_not_advised_against(self, family, x):
        for windows in (x, x.cumsum(axis=1)):
            assert all(family.advise(config, windows) == [] for config in family.Config.presets().values())

    def test_it_says_what_it_is(self, family):
        assert family.title
        assert family.family in ("vae", "gan", "diffusion", "classical")
        assert family.paper
        assert family.curves


class TestSampling:
    @pytest.mark.parametrize("n", [1, 5, 33])
    def test_exactly_n_finite_windows(self, fitted, n):
        drawn = fitted[0].sample(n, seed=0)
        assert drawn.shape == (n, T, 2)
        assert drawn.dtype == np.float64
        assert np.isfinite(drawn).all()

    def test_the_same_seed_draws_the_same_bytes(self, fitted):
        model = fitted[0]
        assert model.sample(9, seed=3).tobytes() == model.sample(9, seed=3).tobytes()
        assert model.sample(9, seed=3).tobytes() != model.sample(9, seed=4).tobytes()

    def test_a_window_does_not_depend_on_how_many_are_drawn(self, fitted):
        np.testing.assert_allclose(fitted[0].sample(20, seed=5)[:5], fitted[0].sample(5, seed=5), rtol=1e-5, atol=1e-6)

    def test_windows_differ(self, fitted):
        drawn = fitted[0].sample(40, seed=0).reshape(40, -1)
        assert len(np.unique(drawn.round(9), axis=0)) == 40

    def test_saved_and_loaded_it_draws_the_same_bytes(self, family, fitted):
        model = fitted[0]
        loaded = family.load(model.config, {name: np.array(array) for name, array in model.state().items()})
        assert loaded.sample(11, seed=2).tobytes() == model.sample(11, seed=2).tobytes()
        assert same(loaded.state(), model.state())

    def test_its_state_is_plain_arrays(self, fitted):
        for arrays in (fitted[0].state(), fitted[0].checkpoint()):
            for name, array in arrays.items():
                assert isinstance(array, np.ndarray), name
                assert array.dtype.kind in "fiub", name


class TestFitting:
    def test_the_same_seed_gives_the_same_weights(self, family, fitted, x):
        again = family(family.Config.tiny()).fit(x, seed=1)
        assert same(again.state(), fitted[0].state())
        if len(fitted[1]) < 3:  # what fits in one go may have one answer, whatever the seed
            return
        other = family(family.Config.tiny()).fit(x, seed=2)
        assert not same(other.state(), fitted[0].state())

    def test_every_step_is_told(self, fitted):
        steps = [progress.step for progress in fitted[1]]
        if not steps:  # a model that fits in one go
            return
        assert steps == list(range(1, fitted[1][0].steps + 1))
        assert fitted[1][-1].epoch == fitted[1][-1].epochs
        for progress in fitted[1]:
            assert set(fitted[0].curves) & set(progress.losses)  # which ones may depend on the settings
            assert np.isfinite(list(progress.losses.values())).all()

    def test_input_and_global_random_states_stay_as_they_were(self, family, x):
        before = x.copy()
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        states = np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()  # noqa: NPY002
        threads = torch.get_num_threads()
        model = family(family.Config.tiny()).fit(x, seed=0)
        model.sample(3, seed=0)
        if model.latent:
            model.sample_given(model.encode(x)[0], seed=0)
        assert x.tobytes() == before.tobytes()
        assert np.random.get_state()[1].tobytes() == states[0]  # noqa: NPY002
        assert torch.get_rng_state().numpy().tobytes() == states[1]
        assert torch.get_num_threads() == threads

    def test_read_only_and_strided_float32_input_is_taken(self, family, x):
        strided = np.asfortranarray(x.astype(np.float32))
        strided.flags.writeable = False
        assert np.isfinite(family(family.Config.tiny()).fit(strided, seed=0).sample(2)).all()

    @pytest.mark.parametrize("d", [1, 3])
    def test_any_number_of_series(self, family, d):
        model = family(family.Config.tiny()).fit(made_windows(d), seed=0)
        assert model.sample(4).shape == (4, T, d)

    @pytest.mark.parametrize("batch_size", [4, 64, 1024])
    def test_any_batch_size(self, family, x, batch_size):
        names = [setting.name for setting in family.Config.params()]
        if "batch_size" not in names:
            pytest.skip("it has no batches")
        config = dataclasses.replace(family.Config.tiny(), batch_size=batch_size)
        assert np.isfinite(family(config).fit(x, seed=0).sample(2)).all()

    @pytest.mark.parametrize("length", [2, 7])
    def test_any_length(self, family, x, length):
        assert family(family.Config.tiny()).fit(x[:, :length], seed=0).sample(3).shape == (3, length, 2)

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda x: np.where(np.arange(2) == 1, 3.0, x), "is flat|never changes"),
            (lambda x: np.where(np.arange(80)[:, None, None] == 7, np.nan, x), "missing or infinite"),
            (lambda x: np.where(np.arange(80)[:, None, None] == 7, np.inf, x), "missing or infinite"),
            (lambda x: x[:3], "Got 3 training windows"),
            (lambda x: x[:, :, 0], "shape"),
        ],
        ids=["flat", "nan", "infinite", "few", "two axes"],
    )
    def test_what_cannot_be_learned_from_is_refused_in_words(self, family, x, spoil, words):
        with pytest.raises(DataError, match=words):
            family(family.Config.tiny()).fit(spoil(x))

    def test_it_looks_inside_while_it_trains(self, family, x):
        seen = []
        model = family(family.Config.tiny())
        quietly(lambda: model.fit(x, seed=0, on_step=lambda _: seen.append((model.diagnostics(), model.sample(2)))))
        for diagnostics, drawn in seen:
            json.dumps(diagnostics.values)
            assert all(warning.endswith(".") for warning in diagnostics.warnings)
            assert np.isfinite(drawn).all()

    def test_looking_changes_nothing(self, family, fitted, x):
        model = family(family.Config.tiny())
        model.fit(x, seed=1, on_step=lambda _: (model.diagnostics(), model.sample(2), model.checkpoint()))
        assert same(model.state(), fitted[0].state())


class TestStopping:
    def stopped(self, family, x, after: int, config=None):
        told = []
        model = family(config or family.Config.tiny())
        model.fit(x, seed=1, on_step=told.append, should_stop=lambda: len(told) >= after)
        return model, told

    def test_it_stops_within_a_step(self, family, fitted, x):
        if len(fitted[1]) < 3:
            pytest.skip("it fits in one go")
        assert len(self.stopped(family, x, 2)[1]) in (2, 3)

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_resumed_it_ends_as_if_never_stopped(self, family, fitted, x, share):
        steps = len(fitted[1])
        if steps < 3:
            pytest.skip("it fits in one go")
        model, told = self.stopped(family, x, max(1, round(share * steps)))
        kept = {name: np.array(array) for name, array in model.checkpoint().items()}
        later = []
        resumed = family(family.Config.tiny()).fit(x, seed=1, resume=kept, on_step=later.append)
        assert [progress.step for progress in told + later] == list(range(1, steps + 1))
        for name, array in fitted[0].state().items():
            np.testing.assert_allclose(resumed.state()[name], array, rtol=1e-6, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(resumed.sample(3, seed=0), fitted[0].sample(3, seed=0), rtol=1e-5, atol=1e-6)

    def test_a_checkpoint_taken_in_between_will_do(self, family, fitted, x):
        steps = len(fitted[1])
        if steps < 3:
            pytest.skip("it fits in one go")
        kept = {}
        model = family(family.Config.tiny())
        model.fit(x, seed=1, on_step=lambda p: kept.update(model.checkpoint()) if p.step == steps // 2 else None)
        resumed = family(family.Config.tiny()).fit(x, seed=1, resume=kept)
        np.testing.assert_allclose(resumed.sample(3, seed=0), fitted[0].sample(3, seed=0), rtol=1e-5, atol=1e-6)

    def test_with_more_epochs_training_goes_on(self, family, fitted, x):
        if len(fitted[1]) < 3:
            pytest.skip("it fits in one go")
        config = dataclasses.replace(family.Config.tiny(), epochs=family.Config.tiny().epochs + 1)
        told = []
        family(config).fit(x, seed=1, resume=fitted[0].checkpoint(), on_step=told.append)
        assert told[0].step == len(fitted[1]) + 1
        assert told[-1].epoch == config.epochs


class TestLatentSpace:
    @pytest.fixture(autouse=True)
    def only_latent_models(self, family):
        if not family.latent:
            pytest.skip("it has no latent space")

    def test_encoding(self, fitted, x):
        mu, logvar = fitted[0].encode(x[:9])
        assert mu.shape == logvar.shape
        assert mu.ndim == 2
        assert len(mu) == 9
        assert np.isfinite(mu).all()
        assert np.isfinite(logvar).all()
        assert fitted[0].encode(x[:9])[0].tobytes() == mu.tobytes()

    def test_decoding_is_a_mean_without_noise(self, fitted, x):
        z = fitted[0].encode(x[:9])[0]
        decoded = fitted[0].decode(z)
        assert decoded.shape == (9, T, 2)
        assert decoded.tobytes() == fitted[0].decode(z).tobytes()
        np.testing.assert_allclose(fitted[0].decode(z[:2]), decoded[:2], rtol=1e-4, atol=1e-5)

    def test_drawing_at_a_point_holds_its_noise(self, fitted, x):
        z = fitted[0].encode(x[:9])[0]
        drawn = fitted[0].sample_given(z, seed=3)
        assert drawn.shape == (9, T, 2)
        assert np.isfinite(drawn).all()
        assert drawn.tobytes() == fitted[0].sample_given(z, seed=3).tobytes()
        assert drawn.tobytes() != fitted[0].sample_given(z, seed=4).tobytes()

    def test_a_small_move_bends_the_window_a_little(self, fitted, x):
        z = fitted[0].encode(x[:9])[0]
        near = np.abs(fitted[0].sample_given(z + 1e-4, seed=3) - fitted[0].sample_given(z, seed=3)).max()
        assert near < 0.05 * np.abs(fitted[0].sample_given(z, seed=4) - fitted[0].sample_given(z, seed=3)).max()

    def test_a_loaded_model_encodes_the_same(self, family, fitted, x):
        loaded = family.load(fitted[0].config, fitted[0].state())
        assert loaded.encode(x[:4])[0].tobytes() == fitted[0].encode(x[:4])[0].tobytes()


def test_a_model_without_latents_says_so(fitted, x):
    if fitted[0].latent:
        pytest.skip("it has a latent space")
    with pytest.raises(NotImplementedError, match="has no latent space"):
        fitted[0].encode(x)


def _another(setting):
    """A value other than the default."""
    if setting.type is bool:
        return not setting.default
    if setting.choices:
        return next(choice for choice in setting.choices if choice != setting.default)
    if setting.most_numbers:
        return "" if setting.default else str(setting.ge)
    return setting.ge if setting.default != setting.ge else setting.le
