//===- Frame.h - Values of a running function -------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The values of one call of a function, and the ops of the tensor dialect that
// move elements without computing.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_FRAME_H
#define INDEXER_LIB_REFERENCE_FRAME_H

#include "indexer/Reference/Value.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace indexer::reference {

/// The values of one call. Reading a value that has the other kind is a bug of
/// the interpreter: verified IR has defined it, with its type.
class Frame {
public:
  void set(mlir::Value value, RefValue contents) {
    values[value] = std::move(contents);
  }
  const RefValue &get(mlir::Value value) const {
    return values.find(value)->second;
  }
  const std::shared_ptr<const RefTensor> &tensor(mlir::Value value) const {
    return std::get<0>(get(value));
  }
  const RefScalar &scalar(mlir::Value value) const {
    return std::get<RefScalar>(get(value));
  }
  int64_t integer(mlir::Value value) const { return scalar(value).integer; }
  /// An extent, offset or stride that is an attribute or a value.
  int64_t integer(mlir::OpFoldResult value) const;
  mlir::SmallVector<int64_t>
  integers(mlir::ArrayRef<mlir::OpFoldResult> list) const;
  mlir::SmallVector<int64_t> integers(mlir::ValueRange list) const;

private:
  llvm::DenseMap<mlir::Value, RefValue> values;
};

/// The value of a constant: a scalar or a tensor; none for other attributes.
std::optional<RefValue> evaluateConstant(mlir::Attribute value);

/// The result of an op of the tensor dialect, failure with an error, or none if
/// `op` is not one that moves elements.
std::optional<mlir::FailureOr<RefValue>> evaluateTensorOp(mlir::Operation *op,
                                                          const Frame &frame);

/// Whether `value` can be a value of `type`; if not, `why` says what it has.
bool hasType(const RefValue &value, mlir::Type type, std::string &why);

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_FRAME_H
