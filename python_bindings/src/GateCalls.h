//===- GateCalls.h - The head gate of CUDA tensors, the short way -*- C++ -*-=//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_GATECALLS_H
#define DSA_INDEXER_GATECALLS_H

#include "Kernel.h"

#include <vector>

namespace indexer::python {

/// Calls of dsa_indexer.head_gate with plain torch CUDA tensors, whose kernels
/// are known, without any Python between the arguments and the launch. What is
/// not so is left to the caller, who also words the errors. Needs the GIL.
class GateCalls {
public:
  /// `state` are torch's functions that say whether a call is to be seen by
  /// torch: is_grad_enabled() and others that give 0 or None when there is
  /// nothing of theirs. `empty_strided(shape, strides, dtype)` makes a tensor
  /// on the current device, `current_device()` is its number.
  GateCalls(nanobind::object isGradEnabled,
            nanobind::typed<nanobind::list, nanobind::object> modes,
            nanobind::object emptyStrided, nanobind::object currentDevice,
            nanobind::object isNegative);

  /// From now on `kernel` serves tensors like these: device, element types, E
  /// and H.
  void add(nanobind::handle x, nanobind::handle weight, nanobind::handle qScale,
           nanobind::object kernel);

  /// The gate, or NotImplemented when this call is not for here.
  nanobind::object call(nanobind::handle x, nanobind::handle weight,
                        nanobind::handle qScale, nanobind::handle softmaxScale,
                        nanobind::handle headScale, nanobind::handle out) const;

private:
  /// What a kernel was made for.
  struct Signature {
    int32_t device;
    IndexerType types[3];
    int64_t hidden, heads;

    bool operator==(const Signature &other) const;
  };
  struct Entry {
    Signature signature;
    nanobind::object owner;
    const Kernel *kernel;
  };

  /// True when torch need not see a call with these tensors.
  bool isShort(const nanobind::handle *tensors, size_t count) const;
  /// Reads [T, E], [H, E] and [T, H] or [T, H, 1]; false for anything else.
  static bool readSignature(const dlpack::Tensor *views, Signature &signature);

  nanobind::object isGradEnabled, emptyStrided, currentDevice, isNegative;
  std::vector<nanobind::object> modes;
  std::vector<Entry> entries;
};

/// Adds the class to the module.
void bindGateCalls(nanobind::module_ &module);

} // namespace indexer::python

#endif // DSA_INDEXER_GATECALLS_H
