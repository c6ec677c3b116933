"""Groups of texts that mean the same: average linkage (R. Sokal and C. Michener, 1958) cut at one height.

Two groups become one as long as the mean cosine between their members is at least `TOGETHER`, the nearest first. The
chain of nearest neighbours (F. Murtagh, 1983; D. Muellner, arXiv:1109.2378) finds the same groups as looking for the nearest
pair each time, in a time of the square of the texts: four thousand take under a second.
"""

import numpy as np
from numpy.typing import NDArray

TOGETHER = 0.5  # mean cosine from which two groups ask the same


def grouped(vectors: NDArray[np.float32], weights: NDArray[np.float64]) -> list[list[int]]:
    """Return groups of rows of (n, d) vectors of length 1; a row counts `weights` times, which are above 0."""
    near = (vectors @ vectors.T).astype(np.float32)
    np.fill_diagonal(near, -np.inf)
    sizes, members = weights.copy(), [[row] for row in range(len(vectors))]
    left, done, chain = set(range(len(vectors))), list[list[int]](), list[int]()
    while left:
        if not chain:
            chain.append(min(left))
        last = chain[-1]
        best = int(near[last].argmax())
        if near[last, best] < TOGETHER:  # nothing that others become comes nearer
            done.append(members[last])
            left.remove(last)
            near[last, :] = near[:, last] = -np.inf
            chain.pop()
        elif len(chain) > 1 and near[last, best] <= near[last, chain[-2]]:
            other = chain[-2]
            del chain[-2:]
            joined = (sizes[last] * near[last] + sizes[other] * near[other]) / (sizes[last] + sizes[other])
            joined[[last, other]] = -np.inf
            near[last, :] = near[:, last] = joined
            near[other, :] = near[:, other] = -np.inf
            sizes[last] += sizes[other]
            members[last] += members[other]
            left.remove(other)
        else:
            chain.append(best)
    return sorted(sorted(group) for group in done)
