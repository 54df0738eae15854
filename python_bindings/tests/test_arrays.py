# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""head_gate of arrays that come by DLPack: CuPy's and JAX's."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import dsa_indexer

E, H, SOFTMAX = 96, 6, 0.125


def make(tokens: int, seed: int = 0, heads: int = H, hidden: int = E):
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((tokens, hidden)).astype(ml_dtypes.bfloat16),
        random.standard_normal((heads, hidden)).astype(ml_dtypes.bfloat16),
        random.random((tokens, heads, 1), dtype=np.float32),
    )


def expected(*arguments):
    return dsa_indexer.head_gate(*arguments, softmax_scale=SOFTMAX)


class TestJaxOnCpu:
    @pytest.fixture(autouse=True)
    def jax(self):
        self.jax = pytest.importorskip("jax")
        self.cpu = self.jax.devices("cpu")[0]

    def to_jax(self, *arrays):
        return [self.jax.device_put(array, self.cpu) for array in arrays]

    @pytest.mark.parametrize("tokens", [0, 1, 7])
    def test_bits_of_numpy(self, tokens):
        arguments = make(tokens)
        gate = dsa_indexer.head_gate(*self.to_jax(*arguments), softmax_scale=SOFTMAX)
        assert isinstance(gate, self.jax.Array) and gate.devices() == {self.cpu}
        np.testing.assert_array_equal(np.asarray(gate), expected(*arguments))

    def test_shapes(self):
        x, weight, q_scale = self.to_jax(*make(6))
        flat = dsa_indexer.head_gate(x, weight, q_scale[..., 0], softmax_scale=SOFTMAX)
        batches = dsa_indexer.head_gate(
            x.reshape(2, 3, E), weight, q_scale.reshape(2, 3, H, 1), softmax_scale=SOFTMAX
        )
        assert flat.shape == (6, H, 1) and batches.shape == (2, 3, H, 1)
        np.testing.assert_array_equal(np.asarray(batches).reshape(flat.shape), np.asarray(flat))

    def test_a_numpy_weight(self):
        x, weight, q_scale = make(3)
        (on_jax,) = self.to_jax(x)
        gate = dsa_indexer.head_gate(on_jax, weight, q_scale, softmax_scale=SOFTMAX)
        assert isinstance(gate, self.jax.Array)
        np.testing.assert_array_equal(np.asarray(gate), expected(x, weight, q_scale))

    def test_no_result_is_written(self):
        arguments = self.to_jax(*make(3))
        (out,) = self.to_jax(np.zeros((3, H, 1), np.float32))
        with pytest.raises(TypeError, match=r"result 0 is a JAX array, which cannot be written"):
            dsa_indexer.head_gate(*arguments, softmax_scale=SOFTMAX, out=out)
        assert not np.asarray(out).any()

    def test_tracing_is_an_error(self):
        x, weight, q_scale = self.to_jax(*make(3))

        @self.jax.jit
        def traced(x):
            return dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX)

        with pytest.raises(TypeError, match=r"'x' is traced by JAX.*from_stablehlo"):
            traced(x)

    def test_wrong_dtype(self):
        x, weight, q_scale = self.to_jax(*make(3))
        with pytest.raises(TypeError, match=r"'x' is int32 \[3, 96\], expected bfloat16"):
            dsa_indexer.head_gate(x.astype("int32"), weight, q_scale, softmax_scale=SOFTMAX)


def test_another_framework():
    class Array:
        """What DLPack has, of nobody that we know."""

        shape, dtype, device = (3, E), "bfloat16", "cpu"

        def __dlpack_device__(self):
            return 1, 0

        def __dlpack__(self, **named):
            raise AssertionError("not asked")

    with pytest.raises(TypeError, match=r"'Array'.*accepted are NumPy, PyTorch, CuPy and JAX"):
        dsa_indexer.head_gate(Array(), *make(3)[1:], softmax_scale=SOFTMAX)


@pytest.mark.gpu
class TestGpu:
    @pytest.fixture
    def cupy(self):
        return pytest.importorskip("cupy")

    @pytest.fixture
    def jax(self):
        jax = pytest.importorskip("jax")
        try:
            jax.devices("gpu")
        except RuntimeError as error:
            pytest.skip(f"JAX has no GPU: {error}")
        return jax

    @pytest.mark.parametrize("tokens", [0, 1, 129])
    def test_cupy(self, cupy, tokens):
        import torch

        # CuPy may lack bfloat16: float16 arrays, against torch's tensors.
        arrays = [cupy.asarray(a.astype(t)) for a, t in zip(make(tokens), ("f2", "f2", "f4"))]
        with cupy.cuda.Stream(non_blocking=True) as stream:
            arrays[0] = arrays[0] * 2
            gate = dsa_indexer.head_gate(*arrays, softmax_scale=SOFTMAX)
            stream.synchronize()
        assert isinstance(gate, cupy.ndarray) and gate.shape == (tokens, H, 1)
        tensors = [torch.from_dlpack(array) for array in arrays]
        of_torch = dsa_indexer.head_gate(*tensors, softmax_scale=SOFTMAX)
        np.testing.assert_array_equal(cupy.asnumpy(gate), of_torch.cpu().numpy())

    def test_cupy_out(self, cupy):
        arrays = [cupy.asarray(a.astype(t)) for a, t in zip(make(5), ("f2", "f2", "f4"))]
        out = cupy.zeros((5, H, 1), "f4")
        assert dsa_indexer.head_gate(*arrays, softmax_scale=SOFTMAX, out=out) is out
        assert bool(out.any())

    def test_one_framework(self, cupy):
        import torch

        arrays = [cupy.asarray(a.astype(t)) for a, t in zip(make(5), ("f2", "f2", "f4"))]
        with pytest.raises(TypeError, match="all tensors on a GPU must be of one framework"):
            dsa_indexer.head_gate(
                arrays[0], torch.from_dlpack(arrays[1]), arrays[2], softmax_scale=SOFTMAX
            )

    @pytest.mark.parametrize("tokens", [0, 1, 129])
    def test_jax(self, jax, tokens):
        import torch

        host = make(tokens)
        arrays = [jax.device_put(array, jax.devices("gpu")[0]) for array in host]
        arrays[0] = arrays[0] * 2  # Still running, on a stream of JAX.
        gate = dsa_indexer.head_gate(*arrays, softmax_scale=SOFTMAX)
        assert isinstance(gate, jax.Array) and gate.devices() == arrays[0].devices()
        tensors = [
            torch.from_numpy(a.astype(np.float32)).to(t).cuda()
            for a, t in zip(host, (torch.bfloat16, torch.bfloat16, torch.float32))
        ]
        of_torch = dsa_indexer.head_gate(tensors[0] * 2, *tensors[1:], softmax_scale=SOFTMAX)
        np.testing.assert_array_equal(np.asarray(gate + 0), of_torch.cpu().numpy())
