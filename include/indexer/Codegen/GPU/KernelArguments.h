//===- KernelArguments.h - Parameters of a kernel ---------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel takes, in this order: the tensor maps, if it has any; for each
// tensor operand (x, weight, those of the epilogues, the results) its address
// and one stride for each dimension; the extents of
// t, h and d that are not static; the scalars. Nothing of a layout is compiled
// in.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_KERNELARGUMENTS_H
#define INDEXER_CODEGEN_GPU_KERNELARGUMENTS_H

#include "indexer/Codegen/GPU/LaunchMetadata.h"
#include "indexer/Schedule/FusedGroup.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/IRMapping.h"

namespace indexer {

/// An operand of a fused op inside the kernel.
struct KernelOperand {
  /// Type of an element, or of the scalar.
  mlir::Type elementType;
  /// From the loops (t, h, d) to the operand's dimensions.
  mlir::AffineMap map;
  /// Address of the element of index 0; null for a scalar.
  mlir::Value pointer;
  /// Stride of each dimension, i64, in elements.
  llvm::SmallVector<mlir::Value> strides;
  /// An input that is no tensor: its value.
  mlir::Value scalar;

  /// Stride along `loop`; null when the operand is not indexed by it.
  mlir::Value strideAlong(unsigned loop) const;
};

/// Which operands of a kernel belong to one fused op of its group. All but x
/// and the weight count the op's own heads, from 0.
struct OpOperands {
  /// Operands of the epilogue: `count` from number `first` on.
  unsigned first = 0, count = 0;
  /// Number of the result.
  unsigned result = 0;
};

/// All that a kernel gets from outside.
struct KernelArguments {
  /// x, weight, the operands of the epilogues, the results.
  llvm::SmallVector<KernelOperand> operands;
  /// One for each fused op.
  llvm::SmallVector<OpOperands, 2> ops;
  /// Extents of t, h (of all ops) and d: i64 parameters or constants.
  mlir::Value extents[3];
  /// `FusedOp::scalars` to parameters, or to clones of constants.
  mlir::IRMapping scalars;
  /// Addresses of the tensor maps, !llvm.ptr.
  llvm::SmallVector<mlir::Value> tensorMaps;
  /// Meaning of each parameter.
  llvm::SmallVector<KernelParameterInfo> parameters;

  const KernelOperand &lhs() const { return operands[0]; }
  const KernelOperand &rhs() const { return operands[1]; }
  /// Of all fused ops, in order.
  llvm::ArrayRef<KernelOperand> epilogueOperands() const {
    return llvm::ArrayRef(operands).drop_front(2).drop_back(ops.size());
  }
  /// Of fused op number `op`.
  const KernelOperand &result(size_t op) const {
    return operands[ops[op].result];
  }
};

/// Creates the kernel `name` of `schedule` in `module`, with an entry block
/// that ends in gpu.return; `builder` is left before that return. `tensorMaps`
/// are the parameters of that kind.
mlir::gpu::GPUFuncOp
createKernel(mlir::OpBuilder &builder, mlir::gpu::GPUModuleOp module,
             llvm::StringRef name, const FusedGroup &group,
             ScheduleAttr schedule, KernelArguments &arguments,
             llvm::ArrayRef<KernelParameterInfo> tensorMaps = {});

/// How the kernel `name` of `schedule` is launched, as far as the schedule
/// says; it takes the parameters of `arguments`. Alignment and dynamic shared
/// memory are the family's.
KernelLaunchInfo launchOf(llvm::StringRef name, ScheduleAttr schedule,
                          KernelArguments &arguments);

/// The extents of `group` for the launch metadata.
std::array<ExtentInfo, 3> extentSources(const FusedGroup &group);

/// True when `value` is a constant that a kernel clones instead of taking it as
/// a parameter.
bool isClonedConstant(mlir::Value value);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_KERNELARGUMENTS_H
