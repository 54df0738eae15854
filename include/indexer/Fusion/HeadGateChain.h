//===- HeadGateChain.h - A GEMM and the scales behind it --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the matcher found: a contraction and the tree of scalar ops that turn
// its sum into the gate. Pure data that points into the user's IR; nothing has
// been changed yet.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUSION_HEADGATECHAIN_H
#define INDEXER_FUSION_HEADGATECHAIN_H

#include "indexer/Fusion/RefusalReason.h"
#include "indexer/Normalize/Axes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace indexer {

/// A tensor of the user's IR that the fused op will read, and the axes of its
/// dimensions.
struct ChainOperand {
  mlir::Value tensor;
  TensorAxes dims;
};

/// One node of the epilogue tree.
struct EpilogueNode {
  enum class Kind {
    /// The sum over d.
    Sum,
    /// Element of operand `operand` at this (t, h).
    Operand,
    /// The scalar `value`.
    Scalar,
    /// The scalar constant `constant`.
    Constant,
    /// The only element of the tensor `value`.
    OnlyElement,
    /// The scalar op `op`, applied to nodes `inputs`; its result has `type`.
    Apply,
    /// The same value as node `inputs[0]`.
    Alias,
    /// Node `inputs[0]` widened to f32.
    Widen
  };
  Kind kind = Kind::Alias;
  unsigned operand = 0;
  mlir::Value value;
  mlir::TypedAttr constant;
  mlir::Operation *op = nullptr;
  mlir::Type type;
  llvm::SmallVector<unsigned, 2> inputs;
};

/// A tensor value along the chain, from the contraction's result to the gate.
struct ChainLink {
  mlir::Value value;
  TensorAxes dims;
};

/// A value along the chain that several ops read, all of which end in one op.
struct ChainFork {
  ChainLink link;
  /// The node of the value.
  unsigned node;
};

/// The rows of a merged weight that one chain uses.
struct WeightRows {
  /// Dimension of the weight's tensor that holds the heads.
  unsigned dim = 0;
  int64_t offset = 0;
  int64_t size = 0;
};

/// A chain that can be fused.
struct HeadGateChain {
  /// The GEMM; null for a chain of scales alone.
  mlir::linalg::LinalgOp contraction;
  /// The block of every op of the chain.
  mlir::Block *block = nullptr;
  /// True for a chain of scales alone: its tree holds products and casts.
  bool scalesOnly = false;
  /// x and weight: what the GEMM reads once widening, transposes and reshapes
  /// are looked through, with the ops that widen an element (extf), outermost
  /// last.
  ChainOperand lhs, rhs;
  llvm::SmallVector<mlir::Operation *> lhsExtensions, rhsExtensions;
  /// True when the body multiplies weight by x.
  bool swappedProduct = false;
  /// Set when the chain takes a slice of the GEMM's heads: the fused op then
  /// reads these rows of the weight alone.
  std::optional<WeightRows> rows;

  llvm::SmallVector<ChainOperand> operands;
  llvm::SmallVector<EpilogueNode> nodes;
  /// Node that is the gate.
  unsigned gate = 0;
  /// Values along the chain; the last one is what the fused op replaces.
  llvm::SmallVector<ChainLink> links;
  /// Set while the chain is between a fork and the op where it ends.
  std::optional<ChainFork> fork;

  AxisTable axes;
  /// Axes of the loops t, h and d, outermost first.
  DimAxes tAxes, hAxes, dAxes;
  /// The result holds heads before tokens.
  bool headsFirst = false;
  /// Type of the last link when it is narrower than f32: its values are rounded
  /// already, so that the gate is rounded to it without loss. Null for f32.
  mlir::Type roundedType;

  /// How far a chain has been followed. What follows only appends, so that a
  /// chain goes back by forgetting.
  struct Mark {
    unsigned operands, nodes, links, axes, gate;
    bool headsFirst;
  };
  Mark mark() const {
    return {unsigned(operands.size()),
            unsigned(nodes.size()),
            unsigned(links.size()),
            axes.size(),
            gate,
            headsFirst};
  }
  void goBackTo(const Mark &mark);
  /// Replaces cut axes by their parts everywhere but in the links.
  void resolve();
};

/// Why a candidate was declined, and at which op.
struct Refusal {
  RefusalReason reason;
  mlir::Operation *op;
};

/// What becomes of a GEMM: one chain; several, where the heads of a merged GEMM
/// are sliced apart; or none, and then the refusal says why.
struct HeadGateMatch {
  llvm::SmallVector<HeadGateChain, 1> chains;
  std::optional<Refusal> refusal;
};

/// True when `op` is worth a remark: a linalg op on tensors with a reduction, a
/// product in its body and two inputs or more.
bool isCandidate(mlir::linalg::LinalgOp op);

/// Matches the chain that starts at `contraction` (isCandidate holds) and goes
/// on as far as it can be fused. Does not change the IR. With `allowPrecision`,
/// a GEMM that accumulates in bf16 or f16 is matched, too; its chain is only
/// correct after dropRoundings.
HeadGateMatch matchHeadGate(mlir::linalg::LinalgOp contraction,
                            bool allowPrecision = false);

/// Adds the epilogue operand `value`, read with axes `dims`, to the chain and
/// returns its node. Looks through splats, reshapes, permutations, and
/// elementwise producers that have no other use, up to the chain's fork. Fails
/// when a dimension of the operand is not a float.
mlir::FailureOr<unsigned> readOperand(HeadGateChain &chain, mlir::Value value,
                                      const TensorAxes &dims);

/// Appends the scalar ops of `body` to the chain's nodes. `inputs` gives the
/// node of each operand of the elementwise op. Returns the node of the result.
unsigned appendBody(HeadGateChain &chain, const struct ElementwiseOp &op,
                    llvm::ArrayRef<unsigned> inputs);

/// True when `op` only multiplies and casts.
bool isScale(const struct ElementwiseOp &op);

/// Axes of each operand of `op`, given those of its result. Fails when a
/// dimension is not read by a whole loop.
mlir::FailureOr<llvm::SmallVector<TensorAxes>>
operandAxes(const struct ElementwiseOp &op, const TensorAxes &dims);

/// Numbers of the nodes below the gate, each after its inputs, in the order in
/// which the source computes them.
llvm::SmallVector<unsigned> sortNodes(const HeadGateChain &chain);

/// Multiplies the f32 constants of each product in double and rounds once,
/// where the first of them stood. Returns how many constants went away.
unsigned foldConstants(HeadGateChain &chain);

/// Computes in f32 what the epilogue computes in bf16 or f16, and drops the
/// roundings between. Returns how many there were; leaves the chain alone and
/// returns none when an op of the epilogue has no meaning in f32.
std::optional<unsigned> dropRoundings(HeadGateChain &chain);

/// The product of the extents of `axes`: an attribute where it is static, else
/// a value, made at the builder's insertion point if need be.
mlir::OpFoldResult extentOf(const HeadGateChain &chain, const DimAxes &axes,
                            mlir::OpBuilder &builder, mlir::Location loc);

/// Builds the fused op at the place of the chain's last op and gives its gate
/// to the users of that op's result. Returns the fused op.
mlir::linalg::GenericOp buildFusedOp(mlir::RewriterBase &rewriter,
                                     HeadGateChain &chain);

/// Erases the ops of chains that were built, and what became dead with them.
void eraseChains(mlir::RewriterBase &rewriter,
                 llvm::ArrayRef<HeadGateChain> chains);

} // namespace indexer

#endif // INDEXER_FUSION_HEADGATECHAIN_H
