"""The usual way from LightGBM to ONNX, as a contender: onnxmltools, in single precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxmltools
import onnxruntime as ort
from onnxmltools.convert.common.data_types import FloatTensorType

if TYPE_CHECKING:
    import lightgbm as lgb
    import numpy as np
    from numpy.typing import NDArray

_ERRORS_ONLY = 3


class OnnxmltoolsScorer:
    """onnxmltools' float32 graph on one thread of ONNX Runtime, asked for probabilities of default only."""

    def __init__(self, booster: lgb.Booster) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        # It declares its label as one value, which ONNX Runtime remarks on at every batch.
        options.log_severity_level = _ERRORS_ONLY
        graph = _convert(booster)
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def pd(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the uncalibrated probabilities of default, float32 (n,), of rows, float32 (n, F)."""
        found: NDArray[np.float32] = self._session.run(["probabilities"], {"features": rows})[0]
        return found[:, 1]


def _convert(booster: lgb.Booster) -> bytes:
    features = [("features", FloatTensorType([None, booster.num_feature()]))]
    content: bytes = onnxmltools.convert_lightgbm(booster, initial_types=features, zipmap=False).SerializeToString()
    return content
