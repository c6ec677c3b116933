"""Peers: ALS (Hu, Koren and Volinsky, ICDM 2008) and BPR (Rendle et al., UAI 2009) of the package `implicit`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.experiments.peers.base import Scores
from hub.experiments.purchases import Purchases

SEED = 7


class Factors:
    """A model of `implicit`; `kind` is "ALS" or "BPR"."""

    def __init__(self, kind: str, factors: int = 64, iterations: int | None = None) -> None:
        self.name = f"implicit {kind}, {factors} factors"
        self._kind = kind
        self._factors = factors
        self._iterations = iterations

    def scores(self, purchases: Purchases, users: NDArray[np.int64]) -> Scores:
        """Fit, and multiply the factors out.

        Raises:
            ImportError: the extra `evaluate` is not installed.
        """
        from scipy.sparse import csr_matrix
        from threadpoolctl import threadpool_limits

        days = csr_matrix(purchases.matrix())
        with threadpool_limits(
            1, "blas"
        ):  # its own threads and those of the algebra would wait for each other
            model = self._model()
            model.fit(days, show_progress=False)
        scores: Scores = np.asarray(model.user_factors)[users] @ np.asarray(model.item_factors).T
        return scores

    def _model(self) -> Any:
        if self._kind == "ALS":
            from implicit.als import AlternatingLeastSquares

            return AlternatingLeastSquares(
                factors=self._factors,
                regularization=0.05,
                alpha=2.0,
                iterations=self._iterations or 20,
                random_state=SEED,
                num_threads=1,
            )
        from implicit.bpr import BayesianPersonalizedRanking

        return BayesianPersonalizedRanking(
            factors=self._factors,
            learning_rate=0.05,
            regularization=0.01,
            iterations=self._iterations or 150,
            random_state=SEED,
            num_threads=1,
        )
