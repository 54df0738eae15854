//===- TestModule.h - Modules and tensors for the tests ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TEST_UNIT_REFERENCE_TESTMODULE_H
#define INDEXER_TEST_UNIT_REFERENCE_TESTMODULE_H

#include "indexer/Reference/Interpreter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cstring>
#include <random>
#include <string>

namespace indexer::reference {

/// A module parsed from text; the first error it caused.
class TestModule {
public:
  explicit TestModule(const std::string &text) {
    context.loadDialect<mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                        mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                        mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                        mlir::scf::SCFDialect, mlir::tensor::TensorDialect>();
    context.allowUnregisteredDialects();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &error) {
      if (message.empty())
        message = error.str();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << message;
  }

  /// Results of @main; empty after an error.
  llvm::SmallVector<RefValue> run(llvm::ArrayRef<RefValue> arguments,
                                  unsigned threads = 2) {
    if (!module)
      return {};
    auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
    auto results = interpret(main, arguments, threads);
    if (failed(results))
      return {};
    return *results;
  }
  /// The only result of @main, a tensor; null after an error.
  std::shared_ptr<const RefTensor> tensor(llvm::ArrayRef<RefValue> arguments,
                                          unsigned threads = 2) {
    llvm::SmallVector<RefValue> results = run(arguments, threads);
    EXPECT_EQ(results.size(), 1u) << message;
    return results.empty() ? nullptr : std::get<0>(results.front());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string message;
};

/// A float tensor of exact values.
inline RefValue makeTensor(llvm::ArrayRef<int64_t> shape,
                           std::vector<double> values) {
  auto tensor = std::make_shared<RefTensor>();
  tensor->shape.assign(shape.begin(), shape.end());
  tensor->values = std::move(values);
  return std::shared_ptr<const RefTensor>(tensor);
}

/// The bfloat16 nearest to `value`, as a float.
inline float toBfloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits += 0x7fff + ((bits >> 16) & 1);
  bits &= 0xffff0000;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

/// Normal random floats, rounded to bfloat16 on request.
inline std::vector<float> randomFloats(int64_t size, unsigned seed,
                                       bool isBfloat) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(size);
  for (float &value : values) {
    value = distribution(generator);
    if (isBfloat)
      value = toBfloat(value);
  }
  return values;
}

inline RefValue makeTensor(llvm::ArrayRef<int64_t> shape,
                           const std::vector<float> &values) {
  return makeTensor(shape, std::vector<double>(values.begin(), values.end()));
}

} // namespace indexer::reference

#endif // INDEXER_TEST_UNIT_REFERENCE_TESTMODULE_H
