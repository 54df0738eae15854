//===- FusedOpTest.cpp - The fused op, read back --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each test changes one thing in a good fused op and expects the reader to name
// it.
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/FusedOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace indexer;

namespace {

/// A good fused op: x [?, 16], weight [8, 16], q [?, 8], a scalar.
constexpr const char *goodOp = R"mlir(
#x = affine_map<(t, h, d) -> (t, d)>
#w = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
func.func @f(%x: tensor<?x16xbf16>, %w: tensor<8x16xbf16>, %q: tensor<?x8xf32>,
             %a: f32, %n: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %r:2 = linalg.generic {indexing_maps = [#x, #w, #th, #th, #th],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x16xbf16>, tensor<8x16xbf16>, tensor<?x8xf32>)
      outs(%f, %e : tensor<?x8xf32>, tensor<?x8xf32>) {
  ^bb0(%xe: bf16, %we: bf16, %qe: f32, %sum: f32, %old: f32):
    %xf = arith.extf %xe : bf16 to f32
    %wf = arith.extf %we : bf16 to f32
    %p = arith.mulf %xf, %wf : f32
    %s = arith.addf %sum, %p : f32
    %g = arith.mulf %s, %a : f32
    %h = arith.mulf %g, %qe : f32
    linalg.yield %s, %h : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}
)mlir";

class FusedOpTest : public ::testing::Test {
protected:
  FusedOpTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, tensor::TensorDialect>();
  }

  /// The last generic of the good op's text with `from` replaced by `to`
  /// everywhere.
  linalg::GenericOp parse(StringRef from = "", StringRef to = "") {
    std::string text = goodOp;
    if (!from.empty()) {
      EXPECT_NE(text.find(from), std::string::npos) << from.str();
      for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
           at += to.size())
        text.replace(at, from.size(), to);
    }
    module = parseSourceString<ModuleOp>(text, &context);
    linalg::GenericOp generic;
    if (module)
      module->walk([&](linalg::GenericOp op) { generic = op; });
    return generic;
  }

  /// Why the changed op is refused; "accepted" when it is not.
  std::string refusal(StringRef from, StringRef to) {
    linalg::GenericOp op = parse(from, to);
    if (!op)
      return "does not parse";
    std::string why;
    return failed(FusedOp::read(op, &why)) ? why : "accepted";
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(FusedOpTest, ReadsAllParts) {
  linalg::GenericOp op = parse();
  ASSERT_TRUE(op);
  FailureOr<FusedOp> fused = FusedOp::read(op);
  ASSERT_TRUE(succeeded(fused));
  EXPECT_EQ(fused->lhs, op.getDpsInputs()[0]);
  EXPECT_EQ(fused->rhs, op.getDpsInputs()[1]);
  ASSERT_EQ(fused->epilogueOperands.size(), 1u);
  EXPECT_EQ(fused->epilogueOperands[0]->get(), op.getDpsInputs()[2]);
  ASSERT_EQ(fused->scalars.size(), 1u);
  EXPECT_TRUE(isa<BlockArgument>(fused->scalars[0]));
  EXPECT_EQ(fused->contraction.size(), 4u);
  EXPECT_TRUE(isa<arith::AddFOp>(fused->contraction.back()));
  EXPECT_EQ(fused->epilogue.size(), 2u);
  EXPECT_EQ(fused->result(), op.getResult(1));
  EXPECT_EQ(fused->extents(),
            (SmallVector<int64_t, 3>{ShapedType::kDynamic, 8, 16}));
}

TEST_F(FusedOpTest, ReadsSwappedOperandsOfTheBody) {
  EXPECT_EQ(refusal("mulf %xf, %wf", "mulf %wf, %xf"), "accepted");
  EXPECT_EQ(refusal("addf %sum, %p", "addf %p, %sum"), "accepted");
}

TEST_F(FusedOpTest, ReadsATransposedOperand) {
  EXPECT_EQ(refusal("(t, h, d) -> (t, d)", "(t, h, d) -> (d, t)"), "accepted");
}

TEST_F(FusedOpTest, ZeroMayBeSpelledAsSplatOrConstant) {
  EXPECT_EQ(
      refusal("linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> "
              "tensor<?x8xf32>",
              "tensor.splat %zero[%n] : tensor<?x8xf32>"),
      "accepted");
}

TEST_F(FusedOpTest, RefusesAnotherStart) {
  const char *why = "expected the sum to start from linalg.fill with 0.0";
  EXPECT_EQ(refusal("constant 0.0", "constant 1.0"), why);
  EXPECT_EQ(refusal("constant 0.0", "constant -0.0"), why);
  EXPECT_EQ(refusal("outs(%f, %e :", "outs(%e, %e :"), why);
}

TEST_F(FusedOpTest, RefusesOtherLoops) {
  EXPECT_EQ(refusal("\"parallel\", \"parallel\", \"reduction\"",
                    "\"parallel\", \"parallel\", \"parallel\""),
            "expected the loops (t, h, d) = (parallel, parallel, reduction)");
}

TEST_F(FusedOpTest, RefusesOtherMaps) {
  const char *why = "expected input 0 indexed by (t, d) and input 1 by (h, d)";
  EXPECT_EQ(refusal("[#x, #w,", "[#w, #x,"), why);
  EXPECT_EQ(refusal("[#x, #w,", "[#th, #w,"), why);
  EXPECT_EQ(refusal("#th, #th, #th]", "#x, #th, #th]"),
            "expected epilogue operands indexed by t and h alone");
}

TEST_F(FusedOpTest, RefusesOtherOperandTypes) {
  EXPECT_EQ(refusal("bf16", "f8E4M3FN"), "expected bf16, f16 or f32 operands");
  EXPECT_EQ(refusal("bf16", "f16"), "accepted");
}

TEST_F(FusedOpTest, RefusesAnotherReduction) {
  EXPECT_EQ(refusal("addf %sum, %p", "maximumf %sum, %p"),
            "expected the first yielded value to be an arith.addf");
  EXPECT_EQ(refusal("addf %sum, %p", "addf %p, %p"),
            "expected the sum to be added to the first destination");
  EXPECT_EQ(refusal("mulf %xf, %wf", "addf %xf, %wf"),
            "expected a product of the two operands");
  EXPECT_EQ(refusal("mulf %xf, %wf", "mulf %xf, %xf"),
            "expected a product of the two operands");
}

TEST_F(FusedOpTest, RefusesAnEpilogueThatNeedsMoreThanTheSum) {
  const char *why =
      "expected an epilogue of the whole sum and of operands that "
      "do not depend on d";
  EXPECT_EQ(refusal("mulf %s, %a", "mulf %s, %xf"), why);
  EXPECT_EQ(refusal("mulf %s, %a", "mulf %s, %p"), why);
  EXPECT_EQ(refusal("mulf %s, %a", "mulf %s, %sum"), why);
  EXPECT_EQ(refusal("mulf %s, %a", "mulf %s, %old"), why);
}

TEST_F(FusedOpTest, RefusesAGateThatIsNotComputed) {
  EXPECT_EQ(refusal("yield %s, %h", "yield %s, %old"),
            "expected the second yielded value to come from the sum");
}

TEST_F(FusedOpTest, RefusesAnEpilogueThatReadsIndices) {
  EXPECT_EQ(refusal("%g = arith.mulf %s, %a : f32",
                    "%i = linalg.index 0 : index\n"
                    "%j = arith.index_cast %i : index to i32\n"
                    "%k = arith.sitofp %j : i32 to f32\n"
                    "%g = arith.mulf %s, %k : f32"),
            "expected a pure elementwise epilogue");
}

TEST_F(FusedOpTest, CloneEpilogueDropsFastMath) {
  linalg::GenericOp op =
      parse("mulf %s, %a : f32", "mulf %s, %a fastmath<reassoc> : f32");
  ASSERT_TRUE(op);
  FailureOr<FusedOp> fused = FusedOp::read(op);
  ASSERT_TRUE(succeeded(fused));
  OpBuilder builder(op);
  IRMapping mapping;
  Value a = fused->scalars[0];
  Value gate = cloneEpilogue(builder, *fused, a, a, mapping);
  auto last = gate.getDefiningOp<arith::MulFOp>();
  ASSERT_TRUE(last);
  auto first = last.getLhs().getDefiningOp<arith::MulFOp>();
  ASSERT_TRUE(first);
  EXPECT_EQ(first.getFastmath(), arith::FastMathFlags::none);
  EXPECT_EQ(first.getLhs(), a);
}

} // namespace
