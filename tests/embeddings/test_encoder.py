"""The real model: the same text gives the same bytes, alone or in any company."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.encoder import MOST_CHARACTERS, Encoder, unit_rows
from embeddings.models import load
from hub.config import Settings

pytestmark = pytest.mark.model

TEXTS = [
    "LUNCH BAG RED RETROSPOT",
    "How do I send back a parcel that came broken?",
    "Pruning roses",
    "A long story about a garden " * 20,
    "x",
    "",
    "Crème brûlée 🍮",
]


class TestVectors:
    def test_are_float32_of_length_one(self, encoder):
        vectors = encoder.encode(TEXTS)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), encoder.dimensions) == (7, 384)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)

    def test_of_no_texts_are_no_rows(self, encoder):
        assert encoder.encode([]).shape == (0, 384)

    def test_tell_meanings_apart(self, encoder):
        question, answer, stranger = encoder.encode(
            [
                "Where is my parcel?",
                "You can track your delivery under Orders.",
                "Bake the bread for forty minutes.",
            ]
        )
        assert question @ answer > question @ stranger + 0.2

    def test_are_full_of_meaning_whatever_the_case(self, encoder):
        upper, lower = encoder.encode(["LUNCH BAG", "lunch bag"])
        assert upper.tobytes() == lower.tobytes()


class TestSameTextSameBytes:
    def test_in_a_batch_as_alone(self, encoder):
        together = encoder.encode(TEXTS)
        alone = np.vstack([encoder.encode([text]) for text in TEXTS])
        assert together.tobytes() == alone.tobytes()

    def test_in_a_large_batch_spread_over_threads(self, encoder):
        many = encoder.encode(TEXTS * 20)
        assert many.tobytes() == np.tile(encoder.encode(TEXTS), (20, 1)).tobytes()

    def test_from_several_threads_at_once(self, encoder):
        expected = encoder.encode(TEXTS).tobytes()
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: encoder.encode(TEXTS).tobytes(), range(8)))
        assert set(results) == {expected}

    def test_from_an_encoder_loaded_anew_with_other_threads(self, encoder):
        again = load("minilm-int8", Settings().model_dir, threads=1)
        assert again.id == encoder.id
        assert again.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
    def test_for_any_text_at_all(self, encoder, texts):
        vectors = encoder.encode(texts)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert vectors[-1].tobytes() == encoder.encode(texts[-1:])[0].tobytes()


class TestHardTexts:
    def test_half_a_surrogate_pair_is_encoded_like_the_replacement_character(self, encoder):
        half, replaced = encoder.encode(["roses \ud83c", "roses \N{REPLACEMENT CHARACTER}"])
        assert half.tobytes() == replaced.tobytes()

    def test_a_text_of_megabytes_is_cut(self, encoder):
        text = "rose " * 1_000_000
        huge, cut = encoder.encode([text, text[:MOST_CHARACTERS]])
        assert huge.tobytes() == cut.tobytes()

    def test_what_lies_beyond_256_tokens_is_not_read(self, encoder):
        start = "rose " * 254  # and two tokens of the model's own
        same, short = encoder.encode([start + "tractor", "rose " * 253 + "tractor"])
        assert same.tobytes() == encoder.encode([start])[0].tobytes()
        assert short.tobytes() != same.tobytes()


def test_progress_reaches_the_end_and_never_goes_back(encoder):
    told = []
    encoder.encode(TEXTS * 20, progress=lambda done, whole: told.append((done, whole)))
    assert told == sorted(told)
    assert told[-1] == (140, 140)
    assert len(told) > 2


def test_rows_of_zeros_stay_zero_where_others_become_units():
    rows = unit_rows(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])


@pytest.fixture(scope="module")
def full():
    return load("minilm", Settings().model_dir)


class TestFullPrecision:
    def test_is_an_encoder_with_an_id_of_its_own(self, full, encoder):
        assert isinstance(full, Encoder)
        assert isinstance(encoder, Encoder)
        assert full.id == "minilm@53aa5117"
        assert encoder.id == "minilm-int8@53aa5117.1"

    def test_a_text_hardly_depends_on_its_company(self, full):
        """Padding moves the last bits of float32 only: 1e-5 is a hundred of them."""
        together = full.encode(TEXTS)
        alone = np.vstack([full.encode([text]) for text in TEXTS])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_says_nearly_the_same_as_int8(self, full, encoder):
        cosines = np.einsum("ij,ij->i", full.encode(TEXTS), encoder.encode(TEXTS))
        assert cosines.min() > 0.97

    def test_tells_its_progress(self, full):
        told = []
        full.encode(["rose"] * 70, progress=lambda done, whole: told.append((done, whole)))
        assert told == [(32, 70), (64, 70), (70, 70)]
