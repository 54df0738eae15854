//===- BoundTest.cpp - The bound holds, and is not empty ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// float32 executions in any order of the sum are within the bound, wrong ones
// are not.
//
//===----------------------------------------------------------------------===//
#include "TestModule.h"
#include <cmath>
#include <functional>

using namespace indexer::reference;
using namespace mlir;

namespace {

/// Sum of products in float: in `lanes` partial sums that are added at the end.
float dotInFloat(const float *x, const float *w, int64_t extent,
                 int64_t lanes) {
  std::vector<float> partial(lanes, 0);
  for (int64_t index = 0; index < extent; ++index)
    partial[index % lanes] += x[index] * w[index];
  float sum = 0;
  for (float value : partial)
    sum += value;
  return sum;
}

double dotInDouble(const float *x, const float *w, int64_t extent) {
  double sum = 0;
  for (int64_t index = 0; index < extent; ++index)
    sum += double(x[index]) * double(w[index]);
  return sum;
}

/// The chain of one head gate, as torch spells it, for any T.
///
/// gate = ((x @ weight^T * head_scale) * q_scale) * softmax_scale, with a
/// rounding to bf16 after the product when `rounds`.
std::string chainText(bool rounds) {
  std::string sum = rounds ? R"(
    %sr = arith.truncf %mm : tensor<1x?x16xf32> to tensor<1x?x16xbf16>
    %s = arith.extf %sr : tensor<1x?x16xbf16> to tensor<1x?x16xf32>)"
                           : R"(
    %zero = arith.constant dense<0.0> : tensor<1xf32>
    %s = tensor.cast %mm : tensor<1x?x16xf32> to tensor<1x?x16xf32>)";
  return R"(
  func.func @main(%x: tensor<1x?x7168xbf16>, %w: tensor<16x7168xbf16>,
                  %q: tensor<?x16x1xf32>, %softmax_scale: f64)
      -> tensor<?x16x1xf32> {
    %c1 = arith.constant 1 : index
    %head_scale = arith.constant 0.25 : f32
    %z = arith.constant 0.0 : f32
    %t = tensor.dim %x, %c1 : tensor<1x?x7168xbf16>
    %wte = tensor.empty() : tensor<7168x16xbf16>
    %wt = linalg.transpose ins(%w : tensor<16x7168xbf16>)
        outs(%wte : tensor<7168x16xbf16>) permutation = [1, 0]
    %w1 = tensor.expand_shape %wt [[0, 1], [2]] output_shape [1, 7168, 16]
        : tensor<7168x16xbf16> into tensor<1x7168x16xbf16>
    %e = tensor.empty(%t) : tensor<1x?x16xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<1x?x16xf32>)
        -> tensor<1x?x16xf32>
    %mm = linalg.batch_matmul
        ins(%x, %w1 : tensor<1x?x7168xbf16>, tensor<1x7168x16xbf16>)
        outs(%f : tensor<1x?x16xf32>) -> tensor<1x?x16xf32>)" +
         sum + R"(
    %s2 = tensor.collapse_shape %s [[0, 1], [2]]
        : tensor<1x?x16xf32> into tensor<?x16xf32>
    %s3 = tensor.expand_shape %s2 [[0], [1, 2]] output_shape [%t, 16, 1]
        : tensor<?x16xf32> into tensor<?x16x1xf32>
    %o = tensor.empty(%t) : tensor<?x16x1xf32>
    %g = linalg.generic {indexing_maps = [affine_map<(t, h, u) -> (t, h, 0)>,
                                          affine_map<(t, h, u) -> (t, h, u)>,
                                          affine_map<(t, h, u) -> (t, h, u)>],
        iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%s3, %q : tensor<?x16x1xf32>, tensor<?x16x1xf32>)
        outs(%o : tensor<?x16x1xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %head_scale : f32
      %2 = arith.mulf %1, %b : f32
      %scale = arith.truncf %softmax_scale : f64 to f32
      %3 = arith.mulf %2, %scale : f32
      linalg.yield %3 : f32
    } -> tensor<?x16x1xf32>
    return %g : tensor<?x16x1xf32> })";
}

constexpr int64_t kTokens = 5, kHeads = 16, kHidden = 7168;
constexpr double kHeadScale = 0.25;
const double kSoftmaxScale = 1 / std::sqrt(128.0);

/// Inputs of the chain and its reference.
struct Chain {
  explicit Chain(bool rounds)
      : x(randomFloats(kTokens * kHidden, 1, true)),
        w(randomFloats(kHeads * kHidden, 2, true)),
        q(randomFloats(kTokens * kHeads, 3, false)), module(chainText(rounds)) {
    expected = module.tensor({makeTensor({1, kTokens, kHidden}, x),
                              makeTensor({kHeads, kHidden}, w),
                              makeTensor({kTokens, kHeads, 1}, q),
                              RefScalar::ofFloat(kSoftmaxScale)});
  }

  /// Elements that disagree with `gate`, a function of token and head.
  int64_t mismatches(const std::function<float(int64_t, int64_t)> &gate) const {
    int64_t count = 0;
    for (int64_t token = 0; token < kTokens; ++token)
      for (int64_t head = 0; head < kHeads; ++head)
        count +=
            !expected->element(token * kHeads + head).agrees(gate(token, head));
    return count;
  }
  float dot(int64_t token, int64_t head, int64_t lanes) const {
    return dotInFloat(&x[token * kHidden], &w[head * kHidden], kHidden, lanes);
  }

  std::vector<float> x, w, q;
  TestModule module;
  std::shared_ptr<const RefTensor> expected;
};

TEST(Bound, chainIsThatOfDoubleLoops) {
  Chain chain(/*rounds=*/false);
  ASSERT_TRUE(chain.expected);
  for (int64_t token = 0; token < kTokens; ++token)
    for (int64_t head = 0; head < kHeads; ++head) {
      double sum = dotInDouble(&chain.x[token * kHidden],
                               &chain.w[head * kHidden], kHidden);
      double gate = sum * kHeadScale * chain.q[token * kHeads + head] *
                    double(float(kSoftmaxScale));
      double value = chain.expected->values[token * kHeads + head];
      EXPECT_NEAR(value, gate, 1e-12 * std::fabs(gate));
    }
  EXPECT_EQ(chain.expected->roundings, kHidden + 1 + 3);
}

TEST(Bound, holdsForAnyOrderOfTheSum) {
  for (bool rounds : {false, true}) {
    Chain chain(rounds);
    ASSERT_TRUE(chain.expected);
    for (int64_t lanes : {1, 4, 16, 112, 7168})
      EXPECT_EQ(chain.mismatches([&](int64_t token, int64_t head) {
        float sum = chain.dot(token, head, lanes);
        if (rounds)
          sum = toBfloat(sum);
        return sum * float(kHeadScale) * chain.q[token * kHeads + head] *
               float(kSoftmaxScale);
      }),
                0)
          << lanes;
  }
}

TEST(Bound, corruptedEpilogueIsOutside) {
  Chain chain(/*rounds=*/false);
  ASSERT_TRUE(chain.expected);
  int64_t most = kTokens * kHeads * 8 / 10;
  // head_scale instead of softmax_scale.
  EXPECT_GT(chain.mismatches([&](int64_t token, int64_t head) {
    return chain.dot(token, head, 4) * float(kHeadScale) *
           chain.q[token * kHeads + head] * float(kHeadScale);
  }),
            most);
  // q_scale of another head.
  EXPECT_GT(chain.mismatches([&](int64_t token, int64_t head) {
    return chain.dot(token, head, 4) * float(kHeadScale) *
           chain.q[token * kHeads + (head + 1) % kHeads] * float(kSoftmaxScale);
  }),
            most);
  // One factor left out.
  EXPECT_GT(chain.mismatches([&](int64_t token, int64_t head) {
    return chain.dot(token, head, 4) * chain.q[token * kHeads + head] *
           float(kSoftmaxScale);
  }),
            most);
  // The last tile of d left out.
  EXPECT_GT(chain.mismatches([&](int64_t token, int64_t head) {
    return dotInFloat(&chain.x[token * kHidden], &chain.w[head * kHidden],
                      kHidden - 512, 4) *
           float(kHeadScale) * chain.q[token * kHeads + head] *
           float(kSoftmaxScale);
  }),
            most);
}

// Within the bound of the sum, but not of what follows it.
TEST(Bound, droppedRoundingShowsWhereTheSumIsExact) {
  TestModule module(R"(func.func @main(%a: f32, %b: f32) -> f32 {
    %0 = arith.mulf %a, %b : f32
    %1 = arith.truncf %0 : f32 to bf16
    %2 = arith.extf %1 : bf16 to f32
    return %2 : f32 })");
  float a = 1.2345678f, b = 3;
  auto results = module.run({RefScalar::ofFloat(a), RefScalar::ofFloat(b)});
  ASSERT_EQ(results.size(), 1u);
  const RefElement &element = std::get<RefScalar>(results[0]).element;
  EXPECT_EQ(element.bound(), 0);
  EXPECT_TRUE(element.agrees(toBfloat(a * b)));
  EXPECT_FALSE(element.agrees(a * b));
}

/// bf16(a + b) as an element.
RefElement roundedSum(double a, double b) {
  TestModule module(R"(func.func @main(%a: f32, %b: f32) -> bf16 {
    %0 = arith.addf %a, %b : f32
    %1 = arith.truncf %0 : f32 to bf16
    return %1 : bf16 })");
  auto results = module.run({RefScalar::ofFloat(a), RefScalar::ofFloat(b)});
  return results.empty() ? RefElement()
                         : std::get<RefScalar>(results[0]).element;
}

TEST(Flip, onlyNextToATie) {
  // The tie between 1 and 1 + 2^-7 is at 1 + 2^-8; a float32 sum may be off by
  // 2^-24 there.
  double tie = 0x1p-8;
  RefElement below = roundedSum(1, tie - 0x1p-25);
  EXPECT_EQ(below.value, 1);
  EXPECT_EQ(below.flip, 0x1p-7);
  EXPECT_TRUE(below.agrees(1 + 0x1p-7));
  EXPECT_FALSE(below.agrees(1 + 0x1p-6));
  EXPECT_EQ(roundedSum(1, tie + 0x1p-25).flip, 0x1p-7);
  EXPECT_EQ(roundedSum(1, tie - 0x1p-20).flip, 0);
  EXPECT_EQ(roundedSum(1, tie + 0x1p-20).flip, 0);
  EXPECT_EQ(roundedSum(1, 0x1p-10).flip, 0);
}

TEST(Flip, exactTieOfAnExactValueDoesNotFlip) {
  TestModule module(R"(func.func @main(%a: f32) -> bf16 {
    %0 = arith.truncf %a : f32 to bf16
    return %0 : bf16 })");
  auto results = module.run({RefScalar::ofFloat(1 + 0x1p-8)});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(std::get<RefScalar>(results[0]).element.bound(), 0);
}

TEST(Flip, growsThroughTheEpilogue) {
  TestModule module(R"(func.func @main(%a: f32, %b: f32, %c: f32) -> f32 {
    %0 = arith.addf %a, %b : f32
    %1 = arith.truncf %0 : f32 to bf16
    %2 = arith.extf %1 : bf16 to f32
    %3 = arith.mulf %2, %c : f32
    return %3 : f32 })");
  auto results =
      module.run({RefScalar::ofFloat(1), RefScalar::ofFloat(0x1p-8 - 0x1p-25),
                  RefScalar::ofFloat(-3)});
  ASSERT_EQ(results.size(), 1u);
  const RefElement &element = std::get<RefScalar>(results[0]).element;
  EXPECT_EQ(element.value, -3);
  EXPECT_EQ(element.flip, 3 * 0x1p-7);
  EXPECT_EQ(element.roundings, 1);
}

TEST(Flip, uncertainComparisonAllowsBothCases) {
  TestModule module(R"(func.func @main(%a: f32, %b: f32, %c: f32) -> f32 {
    %z = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %0 = arith.addf %a, %b : f32
    %1 = arith.addf %0, %c : f32
    %2 = arith.cmpf ogt, %1, %z : f32
    %3 = arith.select %2, %one, %z : f32
    return %3 : f32 })");
  auto element = [&](double a, double b, double c) {
    auto results = module.run(
        {RefScalar::ofFloat(a), RefScalar::ofFloat(b), RefScalar::ofFloat(c)});
    return std::get<RefScalar>(results[0]).element;
  };
  RefElement close = element(1, 0x1p-26, -1);
  EXPECT_EQ(close.value, 1);
  EXPECT_TRUE(close.agrees(0));
  EXPECT_FALSE(close.agrees(-1));
  RefElement apart = element(1, 0.5, -1);
  EXPECT_TRUE(apart.agrees(1));
  EXPECT_FALSE(apart.agrees(0));
}

TEST(Flip, divisionByAnUncertainZeroSaysNothing) {
  TestModule module(R"(func.func @main(%a: f32, %b: f32) -> f32 {
    %0 = arith.subf %a, %b : f32
    %1 = arith.divf %a, %0 : f32
    return %1 : f32 })");
  auto results =
      module.run({RefScalar::ofFloat(1), RefScalar::ofFloat(1 - 0x1p-24)});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(std::isinf(std::get<RefScalar>(results[0]).element.bound()));
}

// A contraction of rounded operands carries their flips.
TEST(Flip, entersContractions) {
  TestModule module(R"(
  func.func @main(%x: tensor<2x8xf32>, %w: tensor<8x2xbf16>)
      -> tensor<2x2xf32> {
    %z = arith.constant 0.0 : f32
    %d = arith.addf %x, %x : tensor<2x8xf32>
    %xb = arith.truncf %d : tensor<2x8xf32> to tensor<2x8xbf16>
    %e = tensor.empty() : tensor<2x2xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
    %0 = linalg.matmul ins(%xb, %w : tensor<2x8xbf16>, tensor<8x2xbf16>)
         outs(%f : tensor<2x2xf32>) -> tensor<2x2xf32>
    return %0 : tensor<2x2xf32> })");
  std::vector<double> x(16, 0.5), w(16, 2.0);
  x[3] = 0.5 + 0x1p-9;
  auto result = module.tensor({makeTensor({2, 8}, x), makeTensor({8, 2}, w)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->element(0).flip, 2 * 0x1p-7);
  EXPECT_EQ(result->element(2).flip, 0);
  EXPECT_EQ(result->element(2).value, 16);
  EXPECT_EQ(result->roundings, 9);
}

// The size that tests run at, and the independence of threads.
TEST(Speed, largeContraction) {
  constexpr int64_t tokens = 129, heads = 64, hidden = 7168;
  TestModule module(R"(
  func.func @main(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>)
      -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %z = arith.constant 0.0 : f32
    %t = tensor.dim %x, %c0 : tensor<?x7168xbf16>
    %e = tensor.empty(%t) : tensor<?x64xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x64xf32>)
        -> tensor<?x64xf32>
    %0 = linalg.contract indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
        affine_map<(t, h, d) -> (h, d)>, affine_map<(t, h, d) -> (t, h)>]
        ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
        outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32> })");
  std::vector<float> xData = randomFloats(tokens * hidden, 4, true);
  std::vector<float> wData = randomFloats(heads * hidden, 5, true);
  RefValue x = makeTensor({tokens, hidden}, xData);
  RefValue w = makeTensor({heads, hidden}, wData);
  auto one = module.tensor({x, w}, 1), three = module.tensor({x, w}, 3);
  ASSERT_TRUE(one && three);
  EXPECT_EQ(one->values, three->values);
  EXPECT_EQ(one->magnitude, three->magnitude);
  int64_t last = tokens * heads - 1;
  double sum = dotInDouble(&xData[(tokens - 1) * hidden],
                           &wData[(heads - 1) * hidden], hidden);
  EXPECT_EQ(one->values[last], sum);
}

// The same as one op with its epilogue in the body: no loop of its own.
TEST(Speed, largeContractionWithEpilogue) {
  constexpr int64_t tokens = 129, heads = 64, hidden = 7168;
  TestModule module(R"(
  func.func @main(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>)
      -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %z = arith.constant 0.0 : f32
    %a = arith.constant 0.125 : f32
    %t = tensor.dim %x, %c0 : tensor<?x7168xbf16>
    %e = tensor.empty(%t) : tensor<?x64xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x64xf32>)
        -> tensor<?x64xf32>
    %0:2 = linalg.generic {
        indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                         affine_map<(t, h, d) -> (h, d)>,
                         affine_map<(t, h, d) -> (t, h)>,
                         affine_map<(t, h, d) -> (t, h)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
        outs(%f, %e : tensor<?x64xf32>, tensor<?x64xf32>) {
    ^bb0(%l: bf16, %r: bf16, %s: f32, %g: f32):
      %1 = arith.extf %l : bf16 to f32
      %2 = arith.extf %r : bf16 to f32
      %3 = arith.mulf %1, %2 : f32
      %4 = arith.addf %s, %3 : f32
      %5 = arith.mulf %4, %a : f32
      linalg.yield %4, %5 : f32, f32
    } -> (tensor<?x64xf32>, tensor<?x64xf32>)
    return %0#1 : tensor<?x64xf32> })");
  std::vector<float> xData = randomFloats(tokens * hidden, 4, true);
  std::vector<float> wData = randomFloats(heads * hidden, 5, true);
  auto result = module.tensor(
      {makeTensor({tokens, hidden}, xData), makeTensor({heads, hidden}, wData)},
      2);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->roundings, hidden + 2);
  for (auto [token, head] :
       {std::pair<int64_t, int64_t>(0, 0), {64, 7}, {tokens - 1, heads - 1}})
    EXPECT_EQ(result->values[token * heads + head],
              0.125 * dotInDouble(&xData[token * hidden], &wData[head * hidden],
                                  hidden));
}

} // namespace
