//===- HeadGateOperator.cpp - The operator head_gate without Python -------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch's dispatcher calls a Python implementation through the interpreter.
// This library is the CUDA implementation of torch.ops.dsa_indexer.head_gate
// instead: it reads the tensors, makes the result and launches, all in C++. It
// sees torch by its stable ABI only, as of 2.10, so that one build serves all
// later ones.
//
// It knows the kernels that Python gave it (dsaIndexerAddGate). All other calls
// go to the operator head_gate_python, which has every check and message, and
// makes the kernel.
//
//===----------------------------------------------------------------------===//

#include "indexer-c/Runtime.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/tensor.h>

#include <array>
#include <atomic>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

namespace stable = torch::stable::detail;
using torch::stable::Tensor;
using torch::stable::detail::StableLibrary;

// A torch without CUDA has no such function, and never calls us with a CUDA
// tensor.
extern "C" __attribute__((weak)) AOTITorchError
aoti_torch_get_current_cuda_stream(int32_t device, void **stream);

namespace {

/// What a kernel is for.
struct Signature {
  int32_t device;
  int32_t types[3]; // IndexerType of x, weight and q_scale.
  int64_t heads, hidden;

  bool operator==(const Signature &other) const {
    return device == other.device && types[0] == other.types[0] &&
           types[1] == other.types[1] && types[2] == other.types[2] &&
           heads == other.heads && hidden == other.hidden;
  }
};

/// A kernel, and what calls it: the compiler's library has a runtime of its
/// own.
struct KnownKernel {
  IndexerKernel *kernel;
  decltype(&indexerKernelLaunch) launch;
  decltype(&indexerLastError) lastError;
};

/// The known kernels: a list that grows at its head and is never freed, so that
/// calls read it without a lock.
struct Entry {
  Signature signature;
  KnownKernel known;
  const Entry *next;
};

} // namespace

static std::atomic<const Entry *> entries{nullptr};

static const KnownKernel *findKernel(const Signature &signature) {
  for (const Entry *entry = entries.load(std::memory_order_acquire); entry;
       entry = entry->next)
    if (entry->signature == signature)
      return &entry->known;
  return nullptr;
}

/// A tensor as the C API wants it; false for an element type that has none.
/// The extents are torch's and live as long as the tensor.
static bool view(const Tensor &from, IndexerTensor &tensor) {
  static const int32_t types[] = {
      aoti_torch_dtype_bfloat16(), aoti_torch_dtype_float16(),
      aoti_torch_dtype_float32(), aoti_torch_dtype_float64()};
  int32_t type = 0;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_dtype(from.get(), &type));
  int code = 0;
  while (code < 4 && types[code] != type)
    ++code;
  tensor.type = static_cast<IndexerType>(code);
  tensor.data = from.data_ptr();
  tensor.rank = static_cast<int32_t>(from.dim());
  TORCH_ERROR_CODE_CHECK(
      aoti_torch_get_sizes(from.get(), const_cast<int64_t **>(&tensor.shape)));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_strides(
      from.get(), const_cast<int64_t **>(&tensor.strides)));
  return code < 4;
}

/// Reads x [T, E], weight [H, E] and q_scale [T, H] or [T, H, 1] of one device;
/// false for all else.
static bool readCall(const std::array<const Tensor *, 3> &tensors,
                     IndexerArgument *arguments, Signature &signature) {
  for (int i = 0; i < 3; ++i) {
    arguments[i].is_tensor = 1;
    if (!tensors[i]->is_cuda() || !view(*tensors[i], arguments[i].tensor) ||
        tensors[i]->get_device() != tensors[0]->get_device())
      return false;
    signature.types[i] = arguments[i].tensor.type;
  }
  const IndexerTensor &x = arguments[0].tensor, &weight = arguments[1].tensor,
                      &scale = arguments[2].tensor;
  if (x.rank != 2 || weight.rank != 2 || scale.rank < 2 || scale.rank > 3 ||
      weight.shape[1] != x.shape[1] || scale.shape[0] != x.shape[0] ||
      scale.shape[1] != weight.shape[0] ||
      (scale.rank == 3 && scale.shape[2] != 1))
    return false;
  signature.device = tensors[0]->get_device();
  signature.heads = weight.shape[0];
  signature.hidden = x.shape[1];
  return true;
}

/// What the last failing call of the Python implementation said: torch's stable
/// ABI reports that a call failed, and not why.
static thread_local std::string pythonError;

/// torch.ops.dsa_indexer.head_gate, by its Python implementation.
static Tensor callPython(const Tensor &x, const Tensor &weight,
                         const Tensor &qScale, double softmaxScale,
                         std::optional<double> headScale) {
  std::array<StableIValue, 5> stack{
      stable::from(x), stable::from(weight), stable::from(qScale),
      stable::from(softmaxScale), stable::from(headScale)};
  pythonError = "head_gate(): the call failed";
  if (torch_call_dispatcher("dsa_indexer::head_gate_python", "", stack.data(),
                            TORCH_ABI_VERSION))
    throw std::runtime_error(pythonError);
  return stable::to<Tensor>(stack[0]);
}

/// float32 [tokens, heads, 1], contiguous, on a CUDA device.
static Tensor makeResult(int64_t tokens, int64_t heads, int32_t device) {
  int64_t shape[3] = {tokens, heads, 1}, strides[3] = {heads, 1, 1};
  AtenTensorHandle made = nullptr;
  TORCH_ERROR_CODE_CHECK(
      aoti_torch_empty_strided(3, shape, strides, aoti_torch_dtype_float32(),
                               aoti_torch_device_type_cuda(), device, &made));
  return Tensor(made); // Owns it.
}

static Tensor headGate(Tensor x, Tensor weight, Tensor qScale,
                       double softmaxScale, std::optional<double> headScale) {
  IndexerArgument arguments[5] = {};
  Signature signature;
  const KnownKernel *known = nullptr;
  if (readCall({&x, &weight, &qScale}, arguments, signature))
    known = findKernel(signature);
  if (!known)
    return callPython(x, weight, qScale, softmaxScale, headScale);

  int64_t tokens = arguments[0].tensor.shape[0], heads = signature.heads;
  // The kernels take [T, H, 1].
  IndexerTensor &scale = arguments[2].tensor;
  int64_t scaleShape[3] = {tokens, heads, 1};
  int64_t scaleStrides[3] = {scale.strides[0], scale.strides[1], 1};
  scale.rank = 3;
  scale.shape = scaleShape;
  scale.strides = scaleStrides;
  arguments[3].scalar = headScale.value_or(std::pow(double(heads), -0.5));
  arguments[4].scalar = softmaxScale;
  Tensor result = makeResult(tokens, heads, signature.device);
  IndexerTensor written;
  view(result, written);
  void *stream = nullptr;
  TORCH_ERROR_CODE_CHECK(
      aoti_torch_get_current_cuda_stream(signature.device, &stream));
  if (known->launch(known->kernel, arguments, 5, &written, 1, stream))
    throw std::runtime_error(std::string("head_gate(): ") + known->lastError());
  return result;
}

/// For dsa_indexer.torch, by ctypes: `types` are the IndexerTypes of x, weight
/// and q_scale, `launch` and `lastError` functions of the kernel's library. The
/// kernel must live as long as the process.
extern "C" INDEXER_API void
dsaIndexerAddGate(int32_t device, const int32_t *types, int64_t heads,
                  int64_t hidden, IndexerKernel *kernel,
                  decltype(&indexerKernelLaunch) launch,
                  decltype(&indexerLastError) lastError) {
  Signature signature{device, {types[0], types[1], types[2]}, heads, hidden};
  if (findKernel(signature))
    return;
  Entry *entry =
      new Entry{signature, {kernel, launch, lastError}, entries.load()};
  while (!entries.compare_exchange_weak(entry->next, entry))
    ;
}

/// For dsa_indexer.torch, by ctypes: why the call of head_gate_python that is
/// about to fail in this thread does.
extern "C" INDEXER_API void dsaIndexerSetError(const char *message) {
  pythonError = message;
}

/// For dsa_indexer.torch, by ctypes: makes this the implementation of the
/// operator for a dispatch key, for the life of the process.
extern "C" INDEXER_API void dsaIndexerRegisterHeadGate(const char *key) {
  auto *library = new StableLibrary(StableLibrary::Kind::IMPL, "dsa_indexer",
                                    key, "HeadGateOperator.cpp", 0);
  library->impl("head_gate", TORCH_BOX(&headGate));
}
