//===- HostFunction.h - A function compiled for this machine ----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's JIT behind plain pointers. Knows MLIR's C interface (memref
// descriptors), and nothing of head gates.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_EXECUTIONENGINE_HOSTFUNCTION_H
#define INDEXER_EXECUTIONENGINE_HOSTFUNCTION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace mlir {
class ExecutionEngine;
} // namespace mlir

namespace indexer {

/// Host memory of a tensor: `data` is its first element; `strides` in elements,
/// empty for row-major and contiguous.
struct HostTensor {
  void *data = nullptr;
  llvm::ArrayRef<int64_t> shape;
  llvm::ArrayRef<int64_t> strides;
};

/// A tensor, or the bits of a scalar in the scalar's own type.
struct HostArgument {
  HostTensor tensor;
  uint64_t scalarBits = 0;
};

/// One function, compiled for the processor that runs this. Calls from several
/// threads are allowed.
class HostFunction {
public:
  /// Compiles `module` (LLVM dialect, from --indexer-to-cpu; the function was
  /// marked llvm.emit_c_interface). `type` is the type of function `name`
  /// before lowering: ranked tensors and scalars in, ranked tensors out.
  static llvm::Expected<std::unique_ptr<HostFunction>>
  compile(mlir::ModuleOp module, llvm::StringRef name, mlir::FunctionType type);

  ~HostFunction();

  /// Calls the function. Arguments fit its type; a strided one is copied to
  /// contiguous memory first. `results` are written.
  llvm::Error call(llvm::ArrayRef<HostArgument> arguments,
                   llvm::ArrayRef<HostTensor> results) const;

private:
  HostFunction() = default;

  std::unique_ptr<mlir::ExecutionEngine> engine;
  void (*entry)(void **) = nullptr;
  mlir::FunctionType type;
};

} // namespace indexer

#endif // INDEXER_EXECUTIONENGINE_HOSTFUNCTION_H
