//===- InterpreterTest.cpp - Ops of the reference -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestModule.h"
#include <cmath>

using namespace indexer::reference;
using namespace mlir;

namespace {

RefValue integer(int64_t value) { return RefScalar::ofInteger(value); }
RefValue number(double value) { return RefScalar::ofFloat(value); }

/// The only result of @main, a scalar.
RefScalar runScalar(const std::string &text, ArrayRef<RefValue> arguments) {
  TestModule module(text);
  auto results = module.run(arguments);
  EXPECT_EQ(results.size(), 1u) << module.message;
  return results.empty() ? RefScalar() : std::get<RefScalar>(results[0]);
}

/// The error of @main.
std::string runError(const std::string &text, ArrayRef<RefValue> arguments) {
  TestModule module(text);
  EXPECT_TRUE(module.run(arguments).empty());
  return module.message;
}

TEST(Scalars, integersWrapAtTheirWidth) {
  EXPECT_EQ(runScalar(R"(func.func @main(%a: i32, %b: i32) -> i32 {
    %0 = arith.muli %a, %b : i32
    return %0 : i32 })",
                      {integer(1 << 20), integer(3 << 11)})
                .integer,
            -2147483648LL);
}

TEST(Scalars, divisionsRoundAsNamed) {
  TestModule module(R"(func.func @main(%a: i64, %b: i64)
      -> (i64, i64, i64, i64) {
    %0 = arith.divsi %a, %b : i64
    %1 = arith.remsi %a, %b : i64
    %2 = arith.floordivsi %a, %b : i64
    %3 = arith.ceildivsi %a, %b : i64
    return %0, %1, %2, %3 : i64, i64, i64, i64 })");
  auto results = module.run({integer(-7), integer(2)});
  ASSERT_EQ(results.size(), 4u);
  int64_t expected[] = {-3, -1, -4, -3};
  for (int index = 0; index < 4; ++index)
    EXPECT_EQ(std::get<RefScalar>(results[index]).integer, expected[index]);
}

TEST(Scalars, trueIsMinusOneWhenSigned) {
  TestModule module(R"(func.func @main(%a: f32) -> (i32, i32, f32) {
    %c = arith.constant 1.0 : f32
    %0 = arith.cmpf ogt, %a, %c : f32
    %1 = arith.extsi %0 : i1 to i32
    %2 = arith.extui %0 : i1 to i32
    %3 = arith.uitofp %0 : i1 to f32
    return %1, %2, %3 : i32, i32, f32 })");
  auto results = module.run({number(2)});
  EXPECT_EQ(std::get<RefScalar>(results[0]).integer, -1);
  EXPECT_EQ(std::get<RefScalar>(results[1]).integer, 1);
  EXPECT_EQ(std::get<RefScalar>(results[2]).element.value, 1);
}

// A scalar that a frontend keeps in f64 is rounded where the IR says so.
TEST(Scalars, truncationOfConstantRounds) {
  RefScalar result = runScalar(R"(func.func @main() -> f32 {
    %c = arith.constant 0.1 : f64
    %0 = arith.truncf %c : f64 to f32
    return %0 : f32 })",
                               {});
  EXPECT_EQ(result.element.value, double(0.1f));
  EXPECT_EQ(result.element.bound(), 0);
}

TEST(Scalars, bfloatArithmeticRoundsEachOp) {
  RefScalar result = runScalar(R"(func.func @main(%a: bf16) -> bf16 {
    %c = arith.constant 3.0 : bf16
    %0 = arith.mulf %a, %c : bf16
    return %0 : bf16 })",
                               {number(1 + 0x1p-7)});
  EXPECT_EQ(result.element.value, 3 + 0x1p-5);
}

TEST(Scalars, functionsAreExactInDouble) {
  RefScalar result = runScalar(R"(func.func @main(%a: f32) -> f32 {
    %0 = math.rsqrt %a : f32
    %1 = math.exp %0 : f32
    %2 = math.tanh %1 : f32
    return %2 : f32 })",
                               {number(64)});
  EXPECT_DOUBLE_EQ(result.element.value, std::tanh(std::exp(0.125)));
  EXPECT_TRUE(result.element.agrees(std::tanh(std::exp(0.125f))));
  EXPECT_LT(result.element.bound(), 2e-6);
}

TEST(Tensors, dynamicTokensComeFromTheArgument) {
  TestModule module(R"(
  func.func @main(%x: tensor<?x3xf32>) -> tensor<?x1x3xf32> {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x3xf32>
    %e = tensor.empty(%t) : tensor<?x3xf32>
    %0 = linalg.add ins(%x, %x : tensor<?x3xf32>, tensor<?x3xf32>)
                    outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
    %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [%t, 1, 3]
       : tensor<?x3xf32> into tensor<?x1x3xf32>
    return %1 : tensor<?x1x3xf32> })");
  for (int64_t tokens : {0, 1, 5}) {
    auto result = module.tensor(
        {makeTensor({tokens, 3}, std::vector<double>(tokens * 3, 1.5))});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->shape, (SmallVector<int64_t>{tokens, 1, 3}));
    EXPECT_EQ(result->values, std::vector<double>(tokens * 3, 3.0));
  }
}

TEST(Tensors, slicesMoveElements) {
  TestModule module(R"(
  func.func @main(%x: tensor<4x3xf32>, %o: index) -> tensor<4x3xf32> {
    %0 = tensor.extract_slice %x[%o, 0] [1, 3] [1, 1]
       : tensor<4x3xf32> to tensor<3xf32>
    %1 = tensor.insert_slice %0 into %x[0, 0] [1, 3] [1, 1]
       : tensor<3xf32> into tensor<4x3xf32>
    return %1 : tensor<4x3xf32> })");
  RefValue x = makeTensor(
      {4, 3}, std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  auto result = module.tensor({x, integer(2)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values,
            (std::vector<double>{6, 7, 8, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(module.run({x, integer(4)}).empty());
  EXPECT_EQ(module.message,
            "'tensor.extract_slice' takes 1 elements from 4 with stride 1 in "
            "dimension 0, which has extent 4");
}

TEST(Tensors, elementwiseOnTensorsAndDenseConstants) {
  TestModule module(R"(
  func.func @main(%x: tensor<2x2xf32>, %q: f32) -> tensor<2x2xf32> {
    %c = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    %s = tensor.splat %q : tensor<2x2xf32>
    %0 = arith.mulf %x, %c : tensor<2x2xf32>
    %1 = arith.addf %0, %s : tensor<2x2xf32>
    %z = arith.constant dense<0.0> : tensor<2x2xf32>
    %p = arith.cmpf ogt, %1, %z : tensor<2x2xf32>
    %2 = arith.select %p, %1, %z : tensor<2x2xi1>, tensor<2x2xf32>
    return %2 : tensor<2x2xf32> })");
  auto result = module.tensor(
      {makeTensor({2, 2}, std::vector<double>{1, -2, 3, -4}), number(0.5)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{1.5, 0, 9.5, 0}));
}

TEST(Tensors, generateReadsIndicesAndElements) {
  TestModule module(R"(
  func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = tensor.dim %x, %c0 : tensor<?xf32>
    %last = arith.subi %t, %c1 : index
    %0 = tensor.generate %t {
    ^bb0(%i: index):
      %j = arith.subi %last, %i : index
      %v = tensor.extract %x[%j] : tensor<?xf32>
      tensor.yield %v : f32
    } : tensor<?xf32>
    return %0 : tensor<?xf32> })");
  auto result = module.tensor({makeTensor({3}, std::vector<double>{1, 2, 3})});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{3, 2, 1}));
}

TEST(Linalg, reduceMapBroadcastAndIndex) {
  TestModule module(R"(
  func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %ninf = arith.constant 0xFF800000 : f32
    %e = tensor.empty() : tensor<2xf32>
    %f = linalg.fill ins(%ninf : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    %m = linalg.reduce { arith.maximumf } ins(%x : tensor<2x3xf32>)
         outs(%f : tensor<2xf32>) dimensions = [1]
    %b0 = tensor.empty() : tensor<2x3xf32>
    %b = linalg.broadcast ins(%m : tensor<2xf32>) outs(%b0 : tensor<2x3xf32>)
         dimensions = [1]
    %s = linalg.map { arith.subf }
         ins(%x, %b : tensor<2x3xf32>, tensor<2x3xf32>)
         outs(%b0 : tensor<2x3xf32>)
    %i = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                          affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
         ins(%s : tensor<2x3xf32>) outs(%b0 : tensor<2x3xf32>) {
    ^bb0(%a: f32, %o: f32):
      %j = linalg.index 1 : index
      %k = arith.index_cast %j : index to i64
      %g = arith.sitofp %k : i64 to f32
      %r = arith.addf %a, %g : f32
      linalg.yield %r : f32
    } -> tensor<2x3xf32>
    return %i : tensor<2x3xf32> })");
  auto result = module.tensor(
      {makeTensor({2, 3}, std::vector<double>{1, 5, 3, -1, -2, -3})});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{-4, 1, 0, 0, 0, 0}));
}

// The fused form: the last step of d wins in the second result.
TEST(Linalg, secondResultIsOfTheWholeSum) {
  TestModule module(R"(
  func.func @main(%x: tensor<2x3xf32>) -> tensor<2xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    %r:2 = linalg.generic {indexing_maps = [affine_map<(t, d) -> (t, d)>,
               affine_map<(t, d) -> (t)>, affine_map<(t, d) -> (t)>],
               iterator_types = ["parallel", "reduction"]}
           ins(%x : tensor<2x3xf32>)
           outs(%f, %e : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%a: f32, %s: f32, %g: f32):
      %n = arith.addf %s, %a : f32
      %m = arith.mulf %n, %n : f32
      linalg.yield %n, %m : f32, f32
    } -> (tensor<2xf32>, tensor<2xf32>)
    return %r#1 : tensor<2xf32> })");
  auto result = module.tensor(
      {makeTensor({2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{36, 225}));
  // Three adds a factor, and the product.
  EXPECT_EQ(result->roundings, 7);
}

// Roundings that double at each step say nothing after 24 of them; those of
// the other result still count.
TEST(Linalg, uselessBoundOfOneResultOnly) {
  TestModule module(R"(
  func.func @main(%x: tensor<100xf32>) -> (tensor<f32>, tensor<f32>) {
    %f = arith.constant dense<1.0> : tensor<f32>
    %r:2 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>,
               affine_map<(d) -> ()>, affine_map<(d) -> ()>],
               iterator_types = ["reduction"]}
           ins(%x : tensor<100xf32>)
           outs(%f, %f : tensor<f32>, tensor<f32>) {
    ^bb0(%a: f32, %p: f32, %s: f32):
      %q = arith.mulf %p, %p : f32
      %t = arith.addf %s, %a : f32
      linalg.yield %q, %t : f32, f32
    } -> (tensor<f32>, tensor<f32>)
    return %r#0, %r#1 : tensor<f32>, tensor<f32> })");
  auto results = module.run({makeTensor({100}, std::vector<double>(100, 1))});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(std::isinf(std::get<0>(results[0])->element(0).bound()));
  EXPECT_EQ(std::get<0>(results[1])->values[0], 101);
  EXPECT_EQ(std::get<0>(results[1])->roundings, 100);
}

TEST(Linalg, outputIndexedByItsReduction) {
  // A running sum, written through a map that the inner loop moves.
  TestModule module(R"(
  func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
    %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>,
                                          affine_map<(i, j) -> (j)>],
                         iterator_types = ["reduction", "parallel"]}
         ins(%x : tensor<4xf32>) outs(%y : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %o, %a : f32
      linalg.yield %s : f32
    } -> tensor<4xf32>
    return %0 : tensor<4xf32> })");
  RefValue x = makeTensor({4}, std::vector<double>{1, 2, 3, 4});
  auto result = module.tensor({x, x});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{11, 12, 13, 14}));
}

TEST(ControlFlow, forIfAndCall) {
  RefScalar result = runScalar(R"(
  func.func private @twice(%a: f32) -> f32 {
    %0 = arith.addf %a, %a : f32
    return %0 : f32
  }
  func.func @main(%n: index, %a: f32) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %a) -> (f32) {
      %p = arith.cmpi eq, %i, %c3 : index
      %v = scf.if %p -> (f32) {
        scf.yield %s : f32
      } else {
        %d = func.call @twice(%s) : (f32) -> f32
        scf.yield %d : f32
      }
      scf.yield %v : f32
    }
    return %r : f32 })",
                               {integer(5), number(1)});
  EXPECT_EQ(result.element.value, 16);
  EXPECT_EQ(result.element.roundings, 4);
}

TEST(ControlFlow, affineAndTensorIterArgs) {
  TestModule module(R"(
  func.func @main(%x: tensor<6xf32>) -> tensor<6xf32> {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c6 = arith.constant 6 : index
    %r = scf.for %i = %c0 to %c6 step %c4 iter_args(%o = %x)
        -> (tensor<6xf32>) {
      %n = affine.min affine_map<(d0) -> (4, -d0 + 6)>(%i)
      %s = tensor.extract_slice %o[%i] [%n] [1] : tensor<6xf32> to tensor<?xf32>
      %t = arith.addf %s, %s : tensor<?xf32>
      %u = tensor.insert_slice %t into %o[%i] [%n] [1]
         : tensor<?xf32> into tensor<6xf32>
      scf.yield %u : tensor<6xf32>
    }
    return %r : tensor<6xf32> })");
  auto result =
      module.tensor({makeTensor({6}, std::vector<double>{1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->values, (std::vector<double>{2, 4, 6, 8, 10, 12}));
}

TEST(Errors, unknownOpIsNamed) {
  EXPECT_EQ(runError(R"(func.func @main(%a: f32) -> f32 {
    %0 = "my.op"(%a) : (f32) -> f32
    return %0 : f32 })",
                     {number(1)}),
            "the reference cannot interpret 'my.op'");
}

TEST(Errors, unknownOpInABodyIsNamed) {
  EXPECT_EQ(runError(R"(func.func @main(%a: tensor<1xf32>) -> tensor<1xf32> {
    %0 = linalg.map ins(%a : tensor<1xf32>) outs(%a : tensor<1xf32>)
      (%x: f32, %o: f32) {
        %1 = math.atan %x : f32
        linalg.yield %1 : f32
      }
    return %0 : tensor<1xf32> })",
                     {makeTensor({1}, std::vector<double>{1})}),
            "the reference cannot interpret 'math.atan'");
}

TEST(Errors, failedAssertion) {
  EXPECT_EQ(runError(R"(func.func @main(%a: i1) {
    cf.assert %a, "mismatching contracting dimension"
    return })",
                     {integer(0)}),
            "assertion failed: mismatching contracting dimension");
}

TEST(Errors, divisionByZero) {
  EXPECT_EQ(runError(R"(func.func @main(%a: i32, %b: i32) -> i32 {
    %0 = arith.divsi %a, %b : i32
    return %0 : i32 })",
                     {integer(1), integer(0)}),
            "'arith.divsi' divides by zero");
}

TEST(Errors, extentsThatDoNotFit) {
  EXPECT_EQ(runError(R"(
  func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
    %0 = arith.addf %x, %y : tensor<?xf32>
    return %0 : tensor<?xf32> })",
                     {makeTensor({2}, std::vector<double>(2)),
                      makeTensor({3}, std::vector<double>(3))}),
            "loop 0 has extent 2 by one operand and 3 by another");
}

TEST(Errors, hugeTensor) {
  EXPECT_EQ(runError(R"(func.func @main(%t: index) -> tensor<?x?xf32> {
    %0 = tensor.empty(%t, %t) : tensor<?x?xf32>
    return %0 : tensor<?x?xf32> })",
                     {integer(int64_t(1) << 40)}),
            "'tensor.empty' makes shape [1099511627776, 1099511627776], "
            "expected extents of at least 0 and at most 2^32 elements");
}

TEST(Errors, argumentsThatDoNotFit) {
  std::string text = R"(func.func @main(%x: tensor<?x3xf32>) { return })";
  EXPECT_EQ(runError(text, {}), "function 'main' got 0 arguments, expected 1");
  EXPECT_EQ(runError(text, {number(1)}),
            "argument 0 of function 'main' got a scalar, expected "
            "'tensor<?x3xf32>'");
  EXPECT_EQ(runError(text, {makeTensor({1, 4}, std::vector<double>(4))}),
            "argument 0 of function 'main' got shape [1, 4], expected "
            "'tensor<?x3xf32>'");
}

// A deep chain of ops and an endless recursion must not overflow the stack.
TEST(Errors, depthIsNoProblem) {
  std::string text = "func.func @main(%v0: f32) -> f32 {\n";
  for (int index = 0; index < 20000; ++index)
    text += "%v" + std::to_string(index + 1) + " = arith.negf %v" +
            std::to_string(index) + " : f32\n";
  EXPECT_EQ(
      runScalar(text + "return %v20000 : f32 }", {number(2)}).element.value, 2);
  EXPECT_EQ(
      runError("func.func @main() { call @main() : () -> () return }", {}),
      "calls and regions nest more than 256 deep");
}

} // namespace
