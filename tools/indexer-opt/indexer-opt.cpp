//===- indexer-opt.cpp - The compiler's opt-style driver ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/Registration.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  indexer::registerEverything(registry);
  // Upstream's passes that people combine with ours.
  mlir::registerTransformsPasses();
  mlir::registerLinalgPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "indexer compiler driver\n", registry));
}
