//===- TorchApi.h - PyTorch's types, once it is imported --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_TORCHAPI_H
#define DSA_INDEXER_TORCHAPI_H

#include "Dlpack.h"

#include <nanobind/nanobind.h>

namespace indexer::python {

/// What is read of torch. Nothing of it is linked or imported: a value can only
/// be a tensor if the program has imported torch.
struct TorchApi {
  /// torch.Tensor and torch.nn.Parameter, null while torch is not imported.
  PyTypeObject *tensor = nullptr, *parameter = nullptr;
  /// torch.bfloat16 and so on, by IndexerType.
  PyObject *types[4] = {};
  /// How tensors are read without Python attributes, null where torch has no
  /// such thing (it came with 2.10).
  const dlpack::ExchangeApi *exchange = nullptr;

  /// Looks for torch until it is imported; held for the life of the process.
  /// Needs the GIL.
  static const TorchApi &get();

  /// True for tensors and for what derives of them.
  bool isTensor(nanobind::handle value) const {
    return tensor && PyType_IsSubtype(Py_TYPE(value.ptr()), tensor);
  }
  /// True for tensors that are memory and nothing else: no subclass, which may
  /// mean anything.
  bool isPlain(nanobind::handle value) const {
    return tensor && (Py_TYPE(value.ptr()) == tensor ||
                      Py_TYPE(value.ptr()) == parameter);
  }
};

/// The attribute `name` of the module `module`; null when the program has not
/// imported it (yet), or it has none.
nanobind::object findLoaded(const char *module, const char *name);

} // namespace indexer::python

#endif // DSA_INDEXER_TORCHAPI_H
