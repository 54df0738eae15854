//===- Axes.h - Dimensions followed through reshapes ------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A chain is followed through expand_shape, collapse_shape, squeezes and
// permutations by naming what each dimension of a tensor runs over: a list of
// axes, outermost first. A unit dimension has no axes, a collapsed dimension
// several. expand_shape may cut an axis: the axis is then replaced everywhere
// by its parts, so every list always names the finest known axes.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_NORMALIZE_AXES_H
#define INDEXER_NORMALIZE_AXES_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace indexer {

/// The axes that one dimension runs over, outermost first; none: extent 1.
using DimAxes = llvm::SmallVector<unsigned, 2>;
/// The same for each dimension of a tensor.
using TensorAxes = llvm::SmallVector<DimAxes, 4>;

/// One axis: its extent, and where the extent can be read at run time.
struct Axis {
  /// Static extent, or ShapedType::kDynamic.
  int64_t extent = mlir::ShapedType::kDynamic;
  /// The extent as an index attribute or an SSA value; null when it is
  /// dimension `dim` of `tensor`.
  mlir::OpFoldResult size;
  mlir::Value tensor;
  unsigned dim = 0;
};

/// The axes of one chain.
class AxisTable {
public:
  /// Adds an axis and returns its number.
  unsigned add(Axis axis);
  const Axis &operator[](unsigned axis) const { return axes[axis]; }
  Axis &operator[](unsigned axis) { return axes[axis]; }
  unsigned size() const { return axes.size(); }

  /// Forgets the axes from number `size` on, and every cut that made them.
  void truncate(unsigned size);

  /// True when `extent` is known to be the extent of `axis`.
  bool isExtent(unsigned axis, mlir::OpFoldResult extent) const;

  /// Replaces cut axes in `dims` by their parts.
  void resolve(TensorAxes &dims) const;
  void resolve(DimAxes &dims) const;

  /// Spreads `source`, the axes of one dimension, over the dimensions of an
  /// expanded shape: static extents `shape` and run-time `sizes`. Cuts a lone
  /// axis when the shape asks for it. Fails when the shape cuts across axes.
  mlir::FailureOr<TensorAxes> expand(const DimAxes &source,
                                     llvm::ArrayRef<int64_t> shape,
                                     llvm::ArrayRef<mlir::OpFoldResult> sizes);

private:
  llvm::SmallVector<Axis> axes;
  /// Parts of an axis that was cut; empty for one that was not.
  llvm::SmallVector<DimAxes> parts;
};

/// Axes of the result of `op` (expand_shape, collapse_shape, cast, or an
/// extract_slice that only drops unit dimensions), from those of its source.
mlir::FailureOr<TensorAxes>
reshapeForward(AxisTable &table, mlir::Operation *op, const TensorAxes &source);

/// Axes of the source of such an op, from those of its result.
mlir::FailureOr<TensorAxes> reshapeBackward(AxisTable &table,
                                            mlir::Operation *op,
                                            const TensorAxes &result);

/// True when `op` is one of the ops that reshapeForward reads.
bool isReshape(mlir::Operation *op);

/// Assigns axes to loops: result i of `map` is a loop or, for a dimension of
/// extent 1, a constant. Fails when the map does anything else, or when a loop
/// gets two different lists. Loops that are not mentioned keep their entry.
mlir::LogicalResult
assignLoops(mlir::AffineMap map, const TensorAxes &dims,
            llvm::SmallVectorImpl<std::optional<DimAxes>> &loops);

/// The axes that `map` reads of a value of type `type`, given those of the
/// loops. Fails on anything but loops, each at most once, and the constant 0 at
/// a dimension of extent 1.
mlir::FailureOr<TensorAxes> readThrough(mlir::AffineMap map, mlir::Type type,
                                        llvm::ArrayRef<DimAxes> loops);

} // namespace indexer

#endif // INDEXER_NORMALIZE_AXES_H
