//===- KernelBundleTest.cpp - Bundles from parsed modules -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/KernelBundle.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace indexer;
using Groups = std::vector<std::vector<unsigned>>;

/// An outlined kernel: x [T, E], weight [8, E], q [T, 8], one scalar.
static const char declaration[] = R"(
  func.func private @gate0(tensor<?x64xbf16>, tensor<8x64xbf16>,
                           tensor<?x8xf32>, f32) -> tensor<?x8xf32>
    attributes {indexer.kernels = @gate0_kernels,
      indexer.extents = [array<i64: 0, 0>, 8, 64],
      indexer.loops = [array<i64: 0, 2>, array<i64: 1, 2>, array<i64: 0, 1>,
                       array<i64: 0, 1>],
      indexer.scalars = array<i64: 3>,
      indexer.launch = [{kernel = "gate0_plain", family = "plain",
        order = "fma in 128 threads", min_tokens = 1, tile_t = 4, tile_h = 8, heads_first = false,
        split = 1, threads = 128, cluster = 1, alignment = 0, starts_early = false,
        static_operands = array<i64>, shared_bytes = 16,
        parameters = [#indexer.parameter<pointer 0>,
          #indexer.parameter<stride 0[1]>, #indexer.parameter<extent 0>,
          #indexer.parameter<scalar 0>]}]}
)";

/// Its code: a cubin with figures, and the PTX.
static const char binary[] = R"(
  gpu.binary @gate0_kernels [
    #gpu.object<#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">,
      properties = {assembler = "ptxas 13.0.88", resources = {gate0_plain =
        {registers = 40 : i32, shared_bytes = 512 : i32, spill_bytes = 8 : i32}}},
      bin = "\7FELF">,
    #gpu.object<#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">,
      assembly = ".version 8.6">]
)";

namespace {

class KernelBundleTest : public testing::Test {
protected:
  KernelBundleTest() {
    context.loadDialect<IndexerDialect, mlir::arith::ArithDialect,
                        mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                        mlir::gpu::GPUDialect, mlir::math::MathDialect,
                        mlir::NVVM::NVVMDialect, mlir::tensor::TensorDialect>();
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      for (mlir::Diagnostic &note : diagnostic.getNotes())
        errors += "note: " + note.str() + "\n";
      return mlir::success();
    });
  }

  /// The bundle of @f in `text`, the declaration and `code`.
  mlir::FailureOr<runtime::Bundle> bundleOf(const std::string &text,
                                            const std::string &code = binary) {
    module = mlir::parseSourceString<mlir::ModuleOp>(declaration + code + text,
                                                     &context);
    if (!module)
      return mlir::failure();
    return makeBundle(*module, "f");
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors;
};

} // namespace

TEST_F(KernelBundleTest, plainCall) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16> loc("x"), %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32> {indexer.name = "q_scale"}, %s: f32)
        -> tensor<?x8xf32> {
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::succeeded(bundle)) << errors;
  EXPECT_EQ(bundle->entry, "f");
  ASSERT_EQ(bundle->arguments.size(), 4u);
  EXPECT_EQ(bundle->arguments[0].name, "x");
  EXPECT_EQ(bundle->arguments[1].name, "arg1");
  EXPECT_EQ(bundle->arguments[2].name, "q_scale");
  EXPECT_EQ(bundle->arguments[0].type, runtime::ElementType::BF16);
  EXPECT_EQ(bundle->arguments[0].shape,
            (std::vector<int64_t>{runtime::kDynamic, 64}));
  EXPECT_FALSE(bundle->arguments[3].isTensor);
  ASSERT_EQ(bundle->results.size(), 1u);
  EXPECT_EQ(bundle->results[0].name, "result0");

  ASSERT_EQ(bundle->kernels.size(), 1u);
  const runtime::FusedKernel &kernel = bundle->kernels[0];
  ASSERT_EQ(kernel.operands.size(), 4u);
  for (unsigned i : {0, 1, 2})
    EXPECT_EQ(kernel.operands[i].argument, i);
  EXPECT_EQ(kernel.operands[3].argument, 0u);
  EXPECT_EQ(kernel.operands[1].loops, (std::vector<unsigned>{1, 2}));
  EXPECT_EQ(kernel.operandTypes[3], runtime::ElementType::F32);
  ASSERT_EQ(kernel.scalars.size(), 1u);
  EXPECT_FALSE(kernel.scalars[0].isConstant);
  EXPECT_EQ(kernel.scalars[0].argument, 3u);
  EXPECT_EQ(kernel.extents[0].extent, runtime::kDynamic);
  EXPECT_EQ(kernel.extents[1].extent, 8);
  EXPECT_EQ(kernel.extents[2].extent, 64);

  ASSERT_EQ(kernel.launches.size(), 1u);
  const runtime::KernelLaunch &launch = kernel.launches[0];
  EXPECT_EQ(launch.kernel, "gate0_plain");
  EXPECT_EQ(launch.maxTokens, INT64_MAX);
  EXPECT_EQ(launch.dynamicSharedBytes, 16u);
  ASSERT_EQ(launch.parameters.size(), 4u);
  EXPECT_EQ(launch.parameters[1].kind, runtime::KernelParameter::Kind::Stride);
  EXPECT_EQ(launch.parameters[1].dim, 1u);
  EXPECT_EQ(launch.resources.registers, 40);
  EXPECT_EQ(launch.resources.spillBytes, 8);
  EXPECT_EQ(launch.resources.sharedBytes, 512);

  ASSERT_EQ(bundle->objects.size(), 2u);
  EXPECT_EQ(bundle->objects[0].format, "cubin");
  EXPECT_EQ(bundle->objects[0].chip, "sm_90a");
  EXPECT_EQ(bundle->objects[0].bytes, "\x7F"
                                      "ELF");
  EXPECT_EQ(bundle->objects[0].assembler, "ptxas 13.0.88");
  EXPECT_EQ(bundle->objects[1].format, "ptx");
  EXPECT_EQ(bundle->objects[1].assembler, "");
}

TEST_F(KernelBundleTest, reshapesBecomeGroups) {
  // Batch and sequence are one token dimension; q_scale and the result have a
  // unit dimension; the scalar is a constant rounded to bf16 on its way.
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<2x?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8x1xf32>) -> tensor<2x?x8x1xf32> {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %s64 = arith.constant 0.1 : f64
      %s16 = arith.truncf %s64 : f64 to bf16
      %s = arith.extf %s16 : bf16 to f32
      %n = tensor.dim %x, %c1 : tensor<2x?x64xbf16>
      %x2 = tensor.collapse_shape %x [[0, 1], [2]]
        : tensor<2x?x64xbf16> into tensor<?x64xbf16>
      %q2 = tensor.collapse_shape %q [[0], [1, 2]]
        : tensor<?x8x1xf32> into tensor<?x8xf32>
      %g = call @gate0(%x2, %w, %q2, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      %r = tensor.expand_shape %g [[0, 1], [2, 3]] output_shape [2, %n, 8, 1]
        : tensor<?x8xf32> into tensor<2x?x8x1xf32>
      return %r : tensor<2x?x8x1xf32>
    })");
  ASSERT_TRUE(mlir::succeeded(bundle)) << errors;
  const runtime::FusedKernel &kernel = bundle->kernels[0];
  EXPECT_EQ(kernel.operands[0].groups, (Groups{{0, 1}, {2}}));
  EXPECT_EQ(kernel.operands[1].groups, (Groups{{0}, {1}}));
  EXPECT_EQ(kernel.operands[2].groups, (Groups{{0}, {1}}));
  EXPECT_EQ(kernel.operands[3].groups, (Groups{{0, 1}, {2}}));
  ASSERT_TRUE(kernel.scalars[0].isConstant);
  EXPECT_EQ(kernel.scalars[0].constant, 0.10009765625);
}

TEST_F(KernelBundleTest, partsOfAnArgument) {
  // A merged weight: the gate has its last rows.
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<40x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %rows = tensor.extract_slice %w[32, 0] [8, 64] [1, 1]
        : tensor<40x64xbf16> to tensor<8x64xbf16>
      %g = call @gate0(%x, %rows, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::succeeded(bundle)) << errors;
  const runtime::TensorBinding &weight = bundle->kernels[0].operands[1];
  EXPECT_EQ(weight.argument, 1u);
  EXPECT_EQ(weight.groups, (Groups{{0}, {1}}));
  ASSERT_TRUE(weight.slice);
  EXPECT_EQ(weight.slice->dim, 0u);
  EXPECT_EQ(weight.slice->first, 32);
  EXPECT_EQ(weight.slice->count, 8);
  EXPECT_FALSE(bundle->kernels[0].operands[0].slice);
}

TEST_F(KernelBundleTest, twoResults) {
  // Keys and gate of one kernel, returned in the other order.
  const char merged[] = R"(
    func.func private @merged(tensor<?x64xbf16>, tensor<40x64xbf16>,
                              tensor<?x8xf32>)
        -> (tensor<?x32xbf16>, tensor<?x8xf32>)
      attributes {indexer.kernels = @gate0_kernels,
        indexer.extents = [array<i64: 0, 0>, 40, 64],
        indexer.heads = [array<i64: 0, 40>, array<i64: 0, 40>,
                         array<i64: 32, 8>, array<i64: 0, 32>,
                         array<i64: 32, 8>],
        indexer.loops = [array<i64: 0, 2>, array<i64: 1, 2>, array<i64: 0, 1>,
                         array<i64: 0, 1>, array<i64: 0, 1>],
        indexer.scalars = array<i64>,
        indexer.launch = [{kernel = "gate0_plain", family = "plain",
          order = "fma in 128 threads", min_tokens = 1, tile_t = 4, tile_h = 8,
          heads_first = false, split = 1, threads = 128, cluster = 1,
          alignment = 0, starts_early = false, static_operands = array<i64>,
          shared_bytes = 16, parameters = [#indexer.parameter<pointer 4>]}]}
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<40x64xbf16>,
                 %q: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x32xbf16>) {
      %r:2 = call @merged(%x, %w, %q)
        : (tensor<?x64xbf16>, tensor<40x64xbf16>, tensor<?x8xf32>)
          -> (tensor<?x32xbf16>, tensor<?x8xf32>)
      return %r#1, %r#0 : tensor<?x8xf32>, tensor<?x32xbf16>
    })";
  auto bundle = bundleOf(merged);
  ASSERT_TRUE(mlir::succeeded(bundle)) << errors;
  ASSERT_EQ(bundle->results.size(), 2u);
  ASSERT_EQ(bundle->kernels.size(), 1u);
  const runtime::FusedKernel &kernel = bundle->kernels[0];
  EXPECT_EQ(kernel.numResults, 2u);
  ASSERT_EQ(kernel.operands.size(), 5u);
  EXPECT_EQ(kernel.operands[3].argument, 1u);
  EXPECT_EQ(kernel.operands[4].argument, 0u);
  EXPECT_EQ(kernel.operandTypes[3], runtime::ElementType::BF16);
  ASSERT_TRUE(kernel.operands[4].heads);
  EXPECT_EQ(kernel.operands[4].heads->first, 32);
  EXPECT_EQ(kernel.operands[4].heads->count, 8);

  errors.clear();
  std::string without(merged);
  size_t start = without.find("indexer.heads"),
         end = without.find("indexer.loops");
  without.erase(start, end - start);
  EXPECT_TRUE(mlir::failed(bundleOf(without)));
  EXPECT_EQ(errors,
            "'@merged' needs 'indexer.heads' with one entry for each of "
            "its 5 operands\n");
}

TEST_F(KernelBundleTest, equalTokensMayBeAsserted) {
  auto textOf = [](const char *first, const char *second) {
    return std::string(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %c7 = arith.constant 7 : index
      %tokens = tensor.dim %x, %c0 : tensor<?x64xbf16>
      %scales = tensor.dim %q, %c0 : tensor<?x8xf32>
      %heads = tensor.dim %w, %c0 : tensor<8x64xbf16>
      %same = arith.cmpi eq, )") +
           first + ", " + second + R"( : index
      cf.assert %same, "mismatched size"
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })";
  };
  auto bundle = bundleOf(textOf("%tokens", "%scales"));
  ASSERT_TRUE(mlir::succeeded(bundle)) << errors;
  EXPECT_EQ(bundle->kernels.size(), 1u);

  // What a launch does not check must not get lost.
  for (const char *other : {"%c7", "%heads"}) {
    errors.clear();
    EXPECT_TRUE(mlir::failed(bundleOf(textOf("%tokens", other))));
    EXPECT_EQ(errors,
              "entry '@f' does more than reshape around its fused op "
              "('cf.assert' here): its kernels run only through the host "
              "function\nnote: accepted is that two arguments have the same "
              "number of tokens, which a launch checks by itself\n");
  }
}

TEST_F(KernelBundleTest, noBundleWithSpreadRows) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<40x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %rows = tensor.extract_slice %w[0, 0] [8, 64] [5, 1]
        : tensor<40x64xbf16> to tensor<8x64xbf16>
      %g = call @gate0(%x, %rows, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_NE(
      errors.find("note: accepted is a run of indices of one dimension of "
                  "an argument, all of it known"),
      std::string::npos)
      << errors;
}

TEST_F(KernelBundleTest, noBundleWithOtherOps) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %e = math.exp %q : tensor<?x8xf32>
      %g = call @gate0(%x, %w, %e, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_EQ(errors, "entry '@f' does more than reshape around its fused op "
                    "('math.exp' here): its kernels run only through the host "
                    "function\n");
}

TEST_F(KernelBundleTest, noBundleWithComputedScalar) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %s2 = arith.mulf %s, %s : f32
      %g = call @gate0(%x, %w, %q, %s2)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_NE(errors.find("('arith.mulf' here)"), std::string::npos) << errors;
}

TEST_F(KernelBundleTest, noBundleWithIndexArgument) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32, %n: index) -> tensor<?x8xf32> {
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_EQ(errors,
            "argument 4 ('arg4') of entry '@f' has type 'index'; accepted are "
            "ranked tensors and scalars of bf16, f16, f32, f64\n");
}

TEST_F(KernelBundleTest, noBundleWithCutDimension) {
  // T and H of the kernel's operand are parts of one dimension of q.
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?xf32>, %s: f32) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x64xbf16>
      %q2 = tensor.expand_shape %q [[0, 1]] output_shape [%n, 8]
        : tensor<?xf32> into tensor<?x8xf32>
      %g = call @gate0(%x, %w, %q2, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_NE(errors.find("('tensor.expand_shape' here)"), std::string::npos);
  EXPECT_NE(errors.find("note: it cuts a dimension that no later reshape puts "
                        "together again"),
            std::string::npos)
      << errors;
}

TEST_F(KernelBundleTest, noBundleThatReturnsAnArgument) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32)
        -> (tensor<?x8xf32>, tensor<?x8xf32>) {
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g, %q : tensor<?x8xf32>, tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_NE(errors.find("('func.return' here)"), std::string::npos) << errors;
  EXPECT_NE(errors.find("note: it returns a value that no kernel makes"),
            std::string::npos)
      << errors;
}

TEST_F(KernelBundleTest, noBundleThatReturnsAResultTwice) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32)
        -> (tensor<?x8xf32>, tensor<?x8xf32>) {
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g, %g : tensor<?x8xf32>, tensor<?x8xf32>
    })");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_NE(errors.find("note: it returns this result twice"),
            std::string::npos)
      << errors;
}

TEST_F(KernelBundleTest, noBundleWithoutCode) {
  auto bundle = bundleOf(R"(
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                 %q: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
      %g = call @gate0(%x, %w, %q, %s)
        : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>, f32)
          -> tensor<?x8xf32>
      return %g : tensor<?x8xf32>
    })",
                         /*code=*/"");
  ASSERT_TRUE(mlir::failed(bundle));
  EXPECT_EQ(errors, "kernels '@gate0_kernels' of '@gate0' are not compiled; "
                    "run indexer-serialize-kernels first\n");
}

TEST_F(KernelBundleTest, noBundleWithoutEntryOrKernel) {
  EXPECT_TRUE(mlir::failed(bundleOf("func.func private @f()")));
  EXPECT_EQ(errors, "the module has no function '@f' with a body\n");
  errors.clear();
  EXPECT_TRUE(mlir::failed(bundleOf("func.func @f() { return }")));
  EXPECT_EQ(errors, "entry '@f' calls no outlined kernel; there is nothing to "
                    "bundle\n");
}
