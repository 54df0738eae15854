//===- ShapeFunction.cpp - Extents of a function's results ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The extents are computed by the user's own IR: a copy of the function returns
// the tensor.dim of each result, upstream's passes resolve them to the
// arguments and drop everything else, and the reference interprets what is
// left. Upstream also adds the checks that linalg ops make of their operands'
// extents.
//
//===----------------------------------------------------------------------===//

#include "ShapeFunction.h"

#include "indexer/Reference/Interpreter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace indexer;

OwningOpRef<ModuleOp> indexer::makeShapeFunction(func::FuncOp entry) {
  // Only what the entry may call comes along.
  OwningOpRef<ModuleOp> module =
      cast<ModuleOp>(entry->getParentOfType<ModuleOp>()->clone());
  auto function = module->lookupSymbol<func::FuncOp>(entry.getName());
  for (auto other : module->getOps<func::FuncOp>())
    if (other != function)
      other.setPrivate();
  SmallVector<Type> types;
  function.walk([&](func::ReturnOp op) {
    OpBuilder builder(op);
    SmallVector<Value> extents;
    for (Value result : op.getOperands())
      for (int64_t dim :
           llvm::seq(cast<RankedTensorType>(result.getType()).getRank()))
        extents.push_back(
            tensor::DimOp::create(builder, op.getLoc(), result, dim));
    types.assign(extents.size(), builder.getIndexType());
    op->setOperands(extents);
  });
  function.setType(FunctionType::get(entry.getContext(),
                                     function.getArgumentTypes(), types));
  // Upstream's checks use dialects that they do not declare.
  entry.getContext()
      ->loadDialect<affine::AffineDialect, index::IndexDialect,
                    scf::SCFDialect>();
  PassManager pm = PassManager::on<ModuleOp>(entry.getContext());
  pm.addPass(createGenerateRuntimeVerificationPass());
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createSymbolDCEPass());
  if (failed(pm.run(*module)))
    return nullptr;
  // Upstream's messages quote the op; one sentence is enough, as the location
  // is known.
  module->walk([](cf::AssertOp check) {
    StringRef message = check.getMsg();
    if (!message.consume_front("ERROR: Runtime op verification failed"))
      return;
    StringRef cause = message.rsplit("\n^ ").second;
    check.setMsg("the arguments do not fit together: " +
                 cause.split("\nLocation:").first.str());
  });
  return module;
}

FailureOr<std::vector<std::vector<int64_t>>>
indexer::runShapeFunction(ModuleOp module, func::FuncOp entry,
                          const std::vector<std::vector<int64_t>> &shapes) {
  auto function = module.lookupSymbol<func::FuncOp>(entry.getName());
  SmallVector<reference::RefValue> arguments;
  for (auto [type, shape] : llvm::zip(entry.getArgumentTypes(), shapes)) {
    if (!isa<RankedTensorType>(type)) {
      arguments.push_back(reference::RefScalar::ofFloat(1));
      continue;
    }
    auto tensor = std::make_shared<reference::RefTensor>();
    tensor->shape.assign(shape.begin(), shape.end());
    // Elements matter only where a shape depends on them.
    bool reads =
        !function.getArgument(arguments.size()).use_empty() &&
        llvm::any_of(function.getArgument(arguments.size()).getUsers(),
                     [](Operation *user) { return !isa<tensor::DimOp>(user); });
    if (reads)
      tensor->values.assign(tensor->size(), 1.0);
    arguments.push_back(
        std::shared_ptr<const reference::RefTensor>(std::move(tensor)));
  }
  auto extents = reference::interpret(function, arguments, /*threads=*/1);
  if (failed(extents))
    return failure();
  std::vector<std::vector<int64_t>> results;
  unsigned next = 0;
  for (Type type : entry.getResultTypes()) {
    std::vector<int64_t> &shape = results.emplace_back();
    for (int64_t dim = cast<RankedTensorType>(type).getRank(); dim > 0; --dim)
      shape.push_back(
          std::get<reference::RefScalar>((*extents)[next++]).integer);
  }
  return results;
}
