//===- Arguments.h - Python values as arguments of a call -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_ARGUMENTS_H
#define DSA_INDEXER_ARGUMENTS_H

#include "TorchApi.h"
#include "indexer-c/Runtime.h"

#include <nanobind/nanobind.h>
#include <string>
#include <vector>

namespace indexer::python {

/// Most dimensions of a tensor that is read; more than the C API accepts.
constexpr Py_ssize_t maxRank = 16;

/// The arguments of one call, or its results: arrays, torch tensors and
/// numbers viewed as the C API wants them, with their place. Whether they fit
/// the function is checked by the C API. Immutable; holds the values alive.
class Arguments {
public:
  /// `device` when there is no tensor, and for the host.
  static constexpr int noDevice = -2, hostDevice = -1;

  /// Arguments `values` (named `names`) of `entry`; all tensors must be on one
  /// device. Raises TypeError or ValueError that names the argument.
  Arguments(std::string entry, nanobind::tuple names, nanobind::tuple values);

  /// Results `values` of the call with `arguments`: tensors that can be
  /// written, on the device of the arguments.
  Arguments(const Arguments &arguments, nanobind::tuple values);

  Arguments(const Arguments &) = delete;
  Arguments &operator=(const Arguments &) = delete;

  const std::string &entryName() const { return entry; }
  /// CUDA device of the tensors, hostDevice, or noDevice.
  int device() const { return place; }
  /// Number of the tensor whose framework makes the results: the first of
  /// torch, else the first; -1: there is no tensor.
  Py_ssize_t leader() const { return leading; }

  size_t size() const { return views.size(); }
  const IndexerArgument *arguments() const { return views.data(); }
  /// The tensors, when these are results.
  const IndexerTensor *tensors() const { return tensorViews.data(); }

private:
  /// Shape and strides of one tensor, in elements.
  struct Layout {
    int64_t shape[maxRank], strides[maxRank];
  };

  void readAll();
  void readTorch(Py_ssize_t index, nanobind::handle value);
  void readNumPy(Py_ssize_t index, nanobind::handle value);
  /// Any other array, by the capsule of its __dlpack__.
  void readCapsule(Py_ssize_t index, nanobind::handle value);
  void readDlpack(Py_ssize_t index, nanobind::handle value,
                  const dlpack::Tensor &from);
  void readNumber(Py_ssize_t index, nanobind::handle value);
  int64_t *copyExtents(Py_ssize_t index, nanobind::handle tuple, int64_t *into);
  /// On a GPU all values must be of one framework.
  void checkFrameworks();
  void checkRank(Py_ssize_t index, Py_ssize_t rank);
  /// Rejects a result whose elements share memory by a stride of 0.
  void checkWritable(Py_ssize_t index);
  void setDevice(Py_ssize_t index, int device);
  /// Raises `type`: "entry(): argument 0 ('x') <what>".
  [[noreturn]] void reject(PyObject *type, Py_ssize_t index,
                           const std::string &what);
  std::string describe(Py_ssize_t index) const;

  std::string entry;
  nanobind::tuple names, values;
  /// The call whose results these are, null for arguments. Not used after
  /// construction.
  const Arguments *resultsOf = nullptr;
  std::vector<IndexerArgument> views;
  std::vector<IndexerTensor> tensorViews;
  std::vector<Layout> layouts;
  /// What keeps memory alive that the values do not.
  std::vector<nanobind::object> held;
  int place = noDevice;
  Py_ssize_t first = -1, leading = -1;
  bool isRejected = false;
};

/// Adds the class to the module.
void bindArguments(nanobind::module_ &module);

} // namespace indexer::python

#endif // DSA_INDEXER_ARGUMENTS_H
