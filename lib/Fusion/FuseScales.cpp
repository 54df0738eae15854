//===- FuseScales.cpp - Fuse scales that have no GEMM ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: linalg on tensors. Out: each tree of multiplications, casts and reshapes
// that ends in an f32 tensor is one elementwise linalg.generic.
//
// Pattern: mul(mul(unsqueeze(w), q), b) -> expand_shape(generic(w, q) { w*q*b
// })
//
//===----------------------------------------------------------------------===//

#include "ChainBuilder.h"
#include "ErasedOps.h"

#include "indexer/Fusion/Passes.h"
#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace indexer {
#define GEN_PASS_DEF_FUSESCALES
#include "indexer/Fusion/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// Multiplications in the chain's tree.
static unsigned countProducts(const HeadGateChain &chain) {
  return llvm::count_if(chain.nodes, [](const EpilogueNode &node) {
    return node.kind == EpilogueNode::Kind::Apply &&
           isa<arith::MulFOp>(node.op);
  });
}

/// True when the chain's scalar ops are all in one op: it is fused already.
static bool isOneOp(const HeadGateChain &chain) {
  llvm::SmallPtrSet<Operation *, 4> sources;
  for (const EpilogueNode &node : chain.nodes)
    if (node.kind == EpilogueNode::Kind::Apply)
      sources.insert(isa<ShapedType>(node.op->getResult(0).getType())
                         ? node.op
                         : node.op->getParentOp());
  return sources.size() == 1;
}

/// The tree of scales that ends with `op`; none when it is not worth it or not
/// understood. Every dimension of the result that is longer than 1 is an axis.
static std::optional<HeadGateChain> matchScales(Operation *op) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.getElementType().isF32() || type.getEncoding())
    return std::nullopt;
  FailureOr<ElementwiseOp> read = readElementwise(op);
  if (failed(read) || !isScale(*read))
    return std::nullopt;
  HeadGateChain chain;
  chain.block = op->getBlock();
  chain.scalesOnly = true;
  TensorAxes dims;
  for (int64_t extent : type.getShape()) {
    DimAxes &axes = dims.emplace_back();
    if (extent == 1)
      continue;
    Axis axis;
    axis.extent = extent;
    axes = {chain.axes.add(axis)};
    chain.tAxes.append(axes);
  }
  FailureOr<SmallVector<TensorAxes>> operands = operandAxes(*read, dims);
  if (failed(operands))
    return std::nullopt;
  SmallVector<unsigned> inputs;
  for (auto [operand, operandDims] : llvm::zip(read->operands, *operands)) {
    FailureOr<unsigned> node = readOperand(chain, operand.value, operandDims);
    if (failed(node))
      return std::nullopt;
    inputs.push_back(*node);
  }
  chain.gate = appendBody(chain, *read, inputs);
  chain.links.push_back({op->getResult(0), dims});
  if (countProducts(chain) < 2 || isOneOp(chain))
    return std::nullopt;

  // Reading may have cut axes; the result then has several in a dimension,
  // which the generic does not follow.
  llvm::SmallBitVector covered(chain.axes.size());
  if (chain.axes.size() != chain.tAxes.size())
    return std::nullopt;
  for (const ChainOperand &operand : chain.operands) {
    llvm::SmallBitVector own(chain.axes.size());
    if (cast<RankedTensorType>(operand.tensor.getType()).getEncoding())
      return std::nullopt;
    for (auto [dim, axes] : llvm::enumerate(operand.dims)) {
      if (axes.empty())
        continue;
      if (axes.size() != 1 || own.test(axes[0]))
        return std::nullopt;
      own.set(axes[0]);
      chain.axes[axes[0]].tensor = operand.tensor;
      chain.axes[axes[0]].dim = dim;
    }
    covered |= own;
  }
  if (!covered.all())
    return std::nullopt;
  for (const EpilogueNode &node : chain.nodes)
    if (node.kind == EpilogueNode::Kind::Scalar && !isa<FloatType>(node.type))
      return std::nullopt;
  return chain;
}

namespace {

/// Builds the elementwise op of a chain of scales.
struct ScalesBuilder : ChainBuilder {
  using ChainBuilder::ChainBuilder;

  linalg::GenericOp build() {
    MLIRContext *context = rewriter.getContext();
    unsigned rank = chain.tAxes.size();
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    for (const ChainOperand &operand : chain.operands) {
      TensorAxes wide;
      SmallVector<AffineExpr> loops;
      for (const DimAxes &axes : operand.dims)
        if (!axes.empty()) {
          wide.push_back(axes);
          loops.push_back(getAffineDimExpr(
              llvm::find(chain.tAxes, axes[0]) - chain.tAxes.begin(), context));
        }
      inputs.push_back(reshapeTo(operand.tensor, operand.dims, wide));
      maps.push_back(AffineMap::get(rank, 0, loops, context));
    }
    TensorAxes dims;
    SmallVector<OpFoldResult> sizes;
    for (unsigned axis : chain.tAxes) {
      dims.push_back({axis});
      sizes.push_back(extentOf(chain, {axis}, rewriter, loc));
    }
    Value empty =
        tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
    maps.push_back(AffineMap::getMultiDimIdentityMap(rank, context));
    SmallVector<unsigned> order = sortNodes(chain);
    emitScalars(order);
    auto scaled = linalg::GenericOp::create(
        rewriter, loc, empty.getType(), inputs, empty, maps,
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
        [&](OpBuilder &body, Location, ValueRange args) {
          linalg::YieldOp::create(
              body, loc, emitEpilogue(body, order, {}, args.drop_back()));
        });
    replaceLast(restoreShape(scaled.getResult(0), dims, {}));
    return scaled;
  }
};

struct FuseScales : indexer::impl::FuseScalesBase<FuseScales> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    // The end of a tree comes after everything in it.
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    ErasedOps erased;
    IRRewriter rewriter(&getContext(), &erased);
    for (Operation *op : llvm::reverse(ops)) {
      if (erased.contains(op))
        continue;
      std::optional<HeadGateChain> chain = matchScales(op);
      if (!chain)
        continue;
      Location loc = op->getLoc();
      unsigned products = countProducts(*chain);
      ScalesBuilder(rewriter, *chain).build();
      eraseChains(rewriter, *chain);
      remark::passed(loc, remark::RemarkOpts::name("FuseScales")
                              .category("indexer-fusion")
                              .function(function.getName()))
          << remark::add("fused {0} multiplications into one linalg.generic",
                         products);
    }
  }
};

} // namespace
