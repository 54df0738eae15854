//===- Value.h - Values of the reference, with bounds -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the float64 reference computes with. A float element carries its value v
// in double and what is needed to bound how far a float32 execution may be from
// it: a magnitude m, a flip allowance x and a count n of roundings (one for a
// whole tensor). The invariants, for every value e that a correct float32
// execution can have, with u = 2^-24 the unit roundoff of float32:
//
//   |e - v| <= gamma(n) * m + x,    gamma(n) = n u / (1 - n u)
//   |v| + x <= m                    (finite v)
//
// Derivation. Every float32 op returns the exact result times (1 + d), |d| <= u
// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section
// 3.1). An expression of sums and products is then a sum of products of inputs,
// each times at most n factors (1 + d), where n is the number of roundings on
// the longest path; n such factors are 1 + theta with |theta| <= gamma(n)
// (lemma 3.1), so the error is at most gamma(n) times the same expression over
// absolute values, which is m. A sum of E products takes one rounding for the
// product and at most E for the adds, whatever their order: n = E + 1. Fused
// multiply-adds only remove factors.
//
//   add, sub  m = ma + mb          x = xa + xb                   n = max + 1
//   mul       m = ma * mb          x = |a| xb + |b| xa + xa xb   n = na + nb +
//   1 max, min  m = max(ma, mb)      x = max(xa, xb)               n = max neg,
//   abs, widening casts: unchanged
//
// Where the step is not such an op, all uncertainty so far, d = gamma(n) m + x,
// moves into x by the value's monotonicity, x' = max over +-d of |f(v +- d) -
// f(v)|, with m' = |f(v)| + x' and a fresh count n' of the op's own roundings:
//
//   rounding kept in the IR to bf16 or f16   n' = 0  (x' is not 0 only where
//                                            v +- d crosses a rounding
//                                            boundary)
//   reciprocal (of a division)               n' = 0, then mul
//   sqrt, rsqrt                              n' = 4  (2 ulp)
//   exp, tanh, pow and the like              n' = 8  (4 ulp)
//
// A comparison of two floats whose uncertainties overlap is uncertain; a select
// on it gets the distance of its two cases as flip allowance. Infinities and
// NaN are taken as exact. An underflow adds at most 2^-150 at each rounding,
// which the bound covers with n * 2^-149.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_REFERENCE_VALUE_H
#define INDEXER_REFERENCE_VALUE_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

namespace indexer::reference {

/// One float element with its error channels; see the file comment.
struct RefElement {
  double value = 0;
  double magnitude = 0;
  double flip = 0;
  double roundings = 0;

  /// An exact value.
  static RefElement exact(double value);
  /// How far a correct float32 execution may be from `value`. Infinite when
  /// nothing can be said.
  double bound() const;
  /// Whether a float32 execution that gave `got` is correct: within the bound;
  /// NaN where the value is NaN; an infinity where the value is that infinity,
  /// or where value and bound reach beyond the largest float32.
  bool agrees(double got) const;
};

/// A scalar of the input IR: a float, or an integer or index.
struct RefScalar {
  bool isInteger = false;
  /// Sign-extended; 0 or 1 for i1.
  int64_t integer = 0;
  RefElement element;

  static RefScalar ofFloat(double value);
  static RefScalar ofInteger(int64_t value);
};

/// A tensor of the input IR, row-major and contiguous. Immutable once it is a
/// RefValue.
struct RefTensor {
  llvm::SmallVector<int64_t> shape;
  bool isInteger = false;
  /// Values of a float tensor.
  std::vector<double> values;
  /// Empty: |value| everywhere.
  std::vector<double> magnitude;
  /// Empty: 0 everywhere. For integers, not 0 where a comparison of floats that
  /// the value comes from is uncertain.
  std::vector<double> flip;
  /// Values of an integer tensor; as in RefScalar.
  std::vector<int64_t> integers;
  /// Roundings on the longest path, of every element.
  double roundings = 0;

  /// Product of the extents.
  int64_t size() const;
  /// Float element at row-major position `index`.
  RefElement element(int64_t index) const;
  /// Element of any type at row-major position `index`.
  RefScalar scalar(int64_t index) const;
};

/// A value of the input IR.
using RefValue = std::variant<std::shared_ptr<const RefTensor>, RefScalar>;

/// Product of the extents in `shape`.
int64_t sizeOf(llvm::ArrayRef<int64_t> shape);

/// `value` rounded to nearest, ties to even, in the float type `type` (bf16,
/// f16 or f32; any other type keeps it). Overflow gives an infinity.
double roundToType(double value, mlir::Type type);

/// Reads host memory exactly. `data` points at the element of index 0;
/// `strides`, in elements, may be negative or zero, and empty means row-major
/// and contiguous. Element types: bf16, f16, f32, f64, i1 (a byte), i8, i16,
/// i32, i64, index (8 bytes); null for any other.
std::shared_ptr<RefTensor> readHostTensor(const void *data,
                                          mlir::Type elementType,
                                          llvm::ArrayRef<int64_t> shape,
                                          llvm::ArrayRef<int64_t> strides = {});

/// What a comparison of a whole tensor found.
struct Comparison {
  /// Elements that do not agree; -1 when the shapes or kinds differ.
  int64_t mismatches = 0;
  /// Row-major position of the first mismatch; -1 if there is none.
  int64_t first = -1;
  /// Largest |got - value| / bound over finite elements that have an error.
  double worst = 0;
};

/// Compares a result, as read by readHostTensor, with the reference.
Comparison compare(const RefTensor &expected, const RefTensor &got);

} // namespace indexer::reference

#endif // INDEXER_REFERENCE_VALUE_H
