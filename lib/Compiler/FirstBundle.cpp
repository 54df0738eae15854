//===- FirstBundle.cpp - The part of a bundle that one call needs ---------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle has kernels for every number of tokens and, without conditions, for
// every layout. One call runs one of them for each fused op. Which, the runtime
// decides; here it is guessed from the fused IR. A wrong guess costs time only:
// a kernel is launched for nothing that it would not be launched for among all.
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"

#include "indexer/Compiler/Program.h"
#include "indexer/Fusion/FusedOp.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/MergeBundles.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace indexer;

/// The argument of the entry that `value` is a view of; null where that is not
/// seen.
static const ProgramArgument *findSource(Value value,
                                         ArrayRef<ProgramArgument> arguments) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
             tensor::ExtractSliceOp>(op))
      return nullptr;
    value = op->getOperand(0);
  }
  unsigned number = cast<BlockArgument>(value).getArgNumber();
  return number < arguments.size() && arguments[number].isTensor
             ? &arguments[number]
             : nullptr;
}

static int64_t countElements(const ProgramArgument &tensor) {
  int64_t count = 1;
  for (int64_t extent : tensor.shape)
    count *= extent;
  return count;
}

/// True when each row of `tensor` starts at a multiple of 16 bytes, as kernels
/// with conditions ask for.
static bool looksAligned(const ProgramArgument &tensor) {
  constexpr int64_t alignment = 16;
  int64_t size = tensor.elementType.getIntOrFloatBitWidth() / 8;
  uint64_t bits = reinterpret_cast<uintptr_t>(tensor.data);
  int64_t contiguous = 1;
  for (size_t dim = tensor.shape.size(); dim-- > 0;) {
    int64_t stride = tensor.strides.empty() ? contiguous : tensor.strides[dim];
    if (tensor.shape[dim] != 1 && stride != 1)
      bits |= static_cast<uint64_t>(stride * size);
    contiguous *= tensor.shape[dim];
  }
  return bits % alignment == 0;
}

/// Sets which kernels of `fused` a call with `arguments` needs; false when that
/// is not known.
static bool chooseKernels(const FusedOp &fused,
                          ArrayRef<ProgramArgument> arguments,
                          ProgramOptions &options) {
  const ProgramArgument *x = findSource(fused.lhs, arguments);
  const ProgramArgument *weight = findSource(fused.rhs, arguments);
  int64_t hidden = fused.extents()[FusedOp::dLoop];
  if (!x || !weight || ShapedType::isDynamic(hidden) || hidden == 0)
    return false;
  options.tokens = countElements(*x) / hidden;
  options.anyLayout = !looksAligned(*x) || !looksAligned(*weight);
  return options.tokens > 0;
}

llvm::Expected<std::optional<runtime::Bundle>>
Program::firstBundle(ArrayRef<ProgramArgument> arguments) {
  llvm::Expected<ModuleOp> module = moduleAt("fused");
  if (!module)
    return module.takeError();
  ProgramOptions options = programOptions;
  auto function = module->lookupSymbol<func::FuncOp>(entryFunction.getName());
  bool isKnown = false;
  function.walk([&](linalg::GenericOp op) {
    FailureOr<FusedOp> fused = FusedOp::read(op);
    if (failed(fused))
      return WalkResult::advance();
    // Further ops mostly have as many tokens as the first.
    isKnown = chooseKernels(*fused, arguments, options);
    return WalkResult::interrupt();
  });
  if (!isKnown)
    return std::nullopt;
  llvm::Expected<runtime::Bundle> part =
      partFor(options.tokens, options.anyLayout);
  if (!part)
    return part.takeError();
  return std::optional<runtime::Bundle>(std::move(*part));
}

llvm::Expected<runtime::Bundle> Program::partFor(int64_t tokens,
                                                 bool anyLayout) {
  ProgramOptions options = programOptions;
  options.tokens = tokens;
  options.anyLayout = anyLayout;
  llvm::Expected<runtime::Bundle> part = makeChipBundle(options);
  if (!part)
    return part.takeError();
  std::vector<runtime::Bundle> parts;
  parts.push_back(std::move(*part));
  runtime::Bundle bundle;
  std::string error;
  if (!runtime::mergeBundles(parts, bundle, error))
    return llvm::createStringError(error);
  return bundle;
}
