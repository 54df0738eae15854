//===- ArgumentsTest.cpp - Arguments of a call ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Arguments.h"
#include "TestBundle.h"
#include "gtest/gtest.h"

#include <cstring>
#include <functional>

using namespace indexer::runtime;

/// Binds `call`; gives the error, or "".
static std::string bind(const Bundle &bundle, const Call &call,
                        BoundKernel (&bound)[kMaxKernels]) {
  IndexerStatus status =
      bindArguments(bundle, call.arguments.data(), call.arguments.size(),
                    call.results.data(), call.results.size(), bound);
  if (status == INDEXER_OK)
    return "";
  EXPECT_EQ(status, INDEXER_INVALID_ARGUMENT);
  return indexerLastError();
}

/// The error of a call with T = 512, H = 64 after `change`.
static std::string errorAfter(const std::function<void(Call &)> &change,
                              const Bundle &bundle = makeHeadGate()) {
  Call call(512, 64);
  change(call);
  BoundKernel bound[kMaxKernels];
  return bind(bundle, call, bound);
}

TEST(Arguments, BindsOperandsStridesAndExtents) {
  Call call(5, 64);
  call.setShape(call.tensor(0), {5, 128}, {4096, 2});
  BoundKernel bound[kMaxKernels];
  ASSERT_EQ(bind(makeHeadGate(), call, bound), "");
  EXPECT_EQ(bound[0].extents[0], 5);
  EXPECT_EQ(bound[0].extents[1], 64);
  EXPECT_EQ(bound[0].extents[2], 128);
  EXPECT_EQ(bound[0].operands[0].data, call.tensor(0).data);
  EXPECT_EQ(bound[0].operands[0].strides[0], 4096);
  EXPECT_EQ(bound[0].operands[0].strides[1], 2);
  EXPECT_EQ(bound[0].operands[3].data, call.results[0].data);
  EXPECT_EQ(bound[0].operands[3].strides[0], 64);
  EXPECT_EQ(bound[0].operands[3].strides[1], 1);
  EXPECT_EQ(bound[0].scalars[0], double(0.1f));
  EXPECT_EQ(bound[0].scalars[1], 0.125);
}

TEST(Arguments, CountsAreChecked) {
  EXPECT_EQ(errorAfter([](Call &c) { c.arguments.pop_back(); }),
            "'head_gate' has 4 arguments (x, weight, q_scale, softmax_scale), "
            "got 3");
  EXPECT_EQ(errorAfter([](Call &c) { c.results.clear(); }),
            "'head_gate' has 1 result (gate), got 0");
}

TEST(Arguments, KindsAreChecked) {
  EXPECT_EQ(errorAfter([](Call &c) { c.arguments[0].is_tensor = 0; }),
            "argument 0 ('x') is a scalar, expected a bf16 tensor of shape "
            "[T, 128]");
  EXPECT_EQ(errorAfter([](Call &c) { c.arguments[3].is_tensor = 1; }),
            "argument 3 ('softmax_scale') is a tensor, expected an f32 scalar");
}

TEST(Arguments, TypesAreChecked) {
  EXPECT_EQ(errorAfter([](Call &c) { c.tensor(0).type = INDEXER_F16; }),
            "argument 0 ('x') has type f16, expected bf16");
  EXPECT_EQ(errorAfter([](Call &c) {
              int type = 7;
              std::memcpy(&c.results[0].type, &type, sizeof type);
            }),
            "result 0 ('gate') has the unknown type 7, expected f32");
}

TEST(Arguments, ShapesAreChecked) {
  EXPECT_EQ(errorAfter([](Call &c) { c.setShape(c.tensor(0), {512, 64}); }),
            "argument 0 ('x') has shape [512, 64], expected [T, 128]");
  EXPECT_EQ(errorAfter([](Call &c) { c.setShape(c.tensor(0), {512}); }),
            "argument 0 ('x') has shape [512], expected [T, 128]");
  EXPECT_EQ(errorAfter([](Call &c) { c.setShape(c.tensor(0), {-1, 128}); }),
            "argument 0 ('x') has shape [-1, 128], expected [T, 128]");
  EXPECT_EQ(errorAfter([](Call &c) { c.tensor(0).rank = 99; }),
            "argument 0 ('x') has 99 dimensions, expected a bf16 tensor of "
            "shape [T, 128]");
  EXPECT_EQ(errorAfter([](Call &c) { c.tensor(0).shape = nullptr; }),
            "argument 0 ('x') has 2 dimensions and no shape, expected a bf16 "
            "tensor of shape [T, 128]");
}

TEST(Arguments, ExtentsMustAgree) {
  EXPECT_EQ(
      errorAfter([](Call &c) { c.setShape(c.tensor(2), {512, 32, 1}); }),
      "argument 2 ('q_scale') has shape [512, 32, 1], expected [T, H, 1] with "
      "T = 512 (from 'x'), H = 64 (from 'weight')");
  EXPECT_EQ(errorAfter([](Call &c) { c.setShape(c.results[0], {511, 64, 1}); }),
            "result 0 ('gate') has shape [511, 64, 1], expected [T, H, 1] with "
            "T = 512 (from 'x'), H = 64 (from 'weight')");
}

// A constant extent has no argument that it was read from.
TEST(Arguments, ConstantExtentsMustAgree) {
  Bundle bundle = makeHeadGate();
  bundle.arguments[1].shape[1] = kDynamic;
  EXPECT_EQ(
      errorAfter([](Call &c) { c.setShape(c.tensor(1), {64, 127}); }, bundle),
      "argument 1 ('weight') has shape [64, 127], expected [H, E] with H = 64, "
      "E = 128");
}

TEST(Arguments, DimensionsInNoGroupHaveExtentOne) {
  Bundle bundle = makeHeadGate();
  bundle.arguments[2].shape[2] = kDynamic;
  EXPECT_EQ(
      errorAfter([](Call &c) { c.setShape(c.tensor(2), {512, 64, 2}); },
                 bundle),
      "argument 2 ('q_scale') has shape [512, 64, 2], expected [T, H, 1]");
}

/// makeHeadGate() with a weight [192, 128] of which it takes the last 64 rows.
static Bundle makeMergedGate() {
  Bundle bundle = makeHeadGate();
  bundle.arguments[1].shape = {192, 128};
  bundle.kernels[0].operands[1].slice = TensorBinding::Slice{0, 128, 64};
  bundle.kernels[0].extents[1] = {64, 0, 0};
  return bundle;
}

// A merged weight: the operand starts where its rows do.
TEST(Arguments, BindsAPartOfAnArgument) {
  Call call(5, 64);
  call.setShape(call.tensor(1), {192, 128});
  BoundKernel bound[kMaxKernels];
  ASSERT_EQ(bind(makeMergedGate(), call, bound), "");
  char *start = static_cast<char *>(call.tensor(1).data);
  EXPECT_EQ(bound[0].operands[1].data, start + 128 * 128 * 2);
  EXPECT_EQ(bound[0].operands[1].strides[0], 128);
  EXPECT_EQ(bound[0].extents[1], 64);
  // The tensor's own strides count, not those of its extents.
  call.setShape(call.tensor(1), {192, 128}, {256, 1});
  ASSERT_EQ(bind(makeMergedGate(), call, bound), "");
  EXPECT_EQ(bound[0].operands[1].data, start + 128 * 256 * 2);
  // x is taken whole.
  EXPECT_EQ(bound[0].operands[0].data, call.tensor(0).data);
}

TEST(Arguments, ThePartMustHaveTheExtent) {
  Bundle bundle = makeMergedGate();
  EXPECT_NE(errorAfter([](Call &) {}, bundle).find("'weight') has shape [64, "),
            std::string::npos);
  bundle.kernels[0].operands[1].slice->count = 63;
  auto whole = [](Call &c) { c.setShape(c.tensor(1), {192, 128}); };
  EXPECT_NE(errorAfter(whole, bundle).find("'weight') has shape [192, 128]"),
            std::string::npos);
}

TEST(Arguments, BindsTwoResults) {
  Call call = Call::merged(5);
  call.setShape(call.results[0], {5, 128}, {256, 1});
  BoundKernel bound[kMaxKernels];
  ASSERT_EQ(bind(makeMergedHeadGate(), call, bound), "");
  EXPECT_EQ(bound[0].extents[1], 192);
  EXPECT_EQ(bound[0].operands[3].data, call.results[0].data);
  EXPECT_EQ(bound[0].operands[3].strides[0], 256);
  EXPECT_EQ(bound[0].operands[4].data, call.results[1].data);
  EXPECT_EQ(bound[0].operands[4].strides[0], 64);
}

// What a result or an operand of an epilogue has to have is its own heads.
TEST(Arguments, EachResultHasItsHeads) {
  Bundle bundle = makeMergedHeadGate();
  bundle.results[0].shape = {kDynamic, kDynamic};
  bundle.arguments[2].shape = {kDynamic, kDynamic, 1};
  auto error = [&](const std::function<void(Call &)> &change) {
    Call call = Call::merged(5);
    change(call);
    BoundKernel bound[kMaxKernels];
    return bind(bundle, call, bound);
  };
  EXPECT_EQ(error([](Call &c) { c.setShape(c.results[0], {5, 192}); }),
            "result 0 ('keys') has shape [5, 192], expected [T, H] with T = 5 "
            "(from 'x'), H = 128");
  EXPECT_EQ(error([](Call &c) { c.setShape(c.tensor(2), {5, 192, 1}); }),
            "argument 2 ('q_scale') has shape [5, 192, 1], expected [T, H, 1] "
            "with T = 5 (from 'x'), H = 64");
  EXPECT_EQ(error([](Call &c) { c.setShape(c.results[1], {6, 64, 1}); }),
            "result 1 ('gate') has shape [6, 64, 1], expected [T, 64, 1] with "
            "T = 5 (from 'x'), H = 64");
  EXPECT_EQ(error([](Call &c) { c.results.pop_back(); }),
            "'head_gate' has 2 results (keys, gate), got 1");
}

TEST(Arguments, LeadingDimensionsCollapse) {
  Bundle bundle = makeBatchedHeadGate();
  BoundKernel bound[kMaxKernels];
  Call call(12, 64);
  call.setShape(call.tensor(0), {3, 4, 128}, {4 * 256, 256, 1});
  ASSERT_EQ(bind(bundle, call, bound), "");
  EXPECT_EQ(bound[0].extents[0], 12);
  EXPECT_EQ(bound[0].operands[0].strides[0], 256);
  // A dimension of extent 1 may have any stride, inside or outside.
  call.setShape(call.tensor(0), {12, 1, 128}, {256, 7, 1});
  ASSERT_EQ(bind(bundle, call, bound), "");
  EXPECT_EQ(bound[0].operands[0].strides[0], 256);
  call.setShape(call.tensor(0), {1, 12, 128}, {7, 256, 1});
  ASSERT_EQ(bind(bundle, call, bound), "");
  EXPECT_EQ(bound[0].operands[0].strides[0], 256);
}

TEST(Arguments, RejectsWhatDoesNotCollapse) {
  Bundle bundle = makeBatchedHeadGate();
  Call call(12, 64);
  BoundKernel bound[kMaxKernels];
  call.setShape(call.tensor(0), {3, 4, 128}, {2000, 256, 1});
  EXPECT_EQ(bind(bundle, call, bound),
            "argument 0 ('x') has shape [3, 4, 128] and strides [2000, 256, 1]:"
            " the dimensions of T cannot be collapsed without a copy");
  call.setShape(call.tensor(0), {3, 5, 128});
  EXPECT_EQ(bind(bundle, call, bound),
            "argument 2 ('q_scale') has shape [12, 64, 1], expected [T, H, 1] "
            "with T = 15 (from 'x'), H = 64 (from 'weight')");
  call.setShape(call.tensor(0), {3, 4, 64});
  EXPECT_EQ(bind(bundle, call, bound), "argument 0 ('x') has shape [3, 4, 64], "
                                       "expected [T0, T1, 128]");
}

TEST(Arguments, DataIsChecked) {
  EXPECT_EQ(errorAfter([](Call &c) { c.tensor(1).data = nullptr; }),
            "argument 1 ('weight') has no data (its pointer is null)");
  EXPECT_EQ(errorAfter([](Call &c) {
              c.tensor(2).data = reinterpret_cast<void *>(0x3002);
            }),
            "argument 2 ('q_scale') is not aligned to its element type (4 "
            "bytes)");
  EXPECT_EQ(errorAfter([](Call &c) {
              c.setShape(c.results[0], {512, 64, 1}, {64, 0, 1});
            }),
            "result 0 ('gate') has stride 0 in dimension 1: its elements would "
            "overwrite each other");
  // An expanded input is right.
  EXPECT_EQ(errorAfter([](Call &c) {
              c.setShape(c.tensor(2), {512, 64, 1}, {0, 0, 0});
            }),
            "");
}

TEST(Arguments, SizesBeyond64BitsAreRejected) {
  const char *expected = "argument 0 ('x') covers more than 2^63 bytes";
  EXPECT_EQ(errorAfter(
                [](Call &c) { c.setShape(c.tensor(0), {INT64_MAX / 2, 128}); }),
            expected);
  EXPECT_EQ(errorAfter([](Call &c) {
              c.setShape(c.tensor(0), {512, 128}, {INT64_MIN, 1});
            }),
            expected);
  EXPECT_EQ(errorAfter(
                [](Call &c) {
                  c.setShape(c.tensor(0), {INT64_MAX / 2, 9, 128}, {0, 0, 1});
                },
                makeBatchedHeadGate()),
            "argument 0 ('x') has more than 2^63 elements");
}

TEST(Arguments, EmptyTensorsNeedNoData) {
  Call call(0, 64);
  call.tensor(0).data = call.tensor(2).data = call.results[0].data = nullptr;
  BoundKernel bound[kMaxKernels];
  EXPECT_EQ(bind(makeHeadGate(), call, bound), "");
  EXPECT_EQ(bound[0].extents[0], 0);
}

TEST(Arguments, TheReductionIsNotEmpty) {
  Bundle bundle = makeHeadGate();
  bundle.arguments[0].shape[1] = bundle.arguments[1].shape[1] = kDynamic;
  bundle.kernels[0].extents[2] = {kDynamic, 0, 1};
  EXPECT_EQ(errorAfter(
                [](Call &c) {
                  c.setShape(c.tensor(0), {512, 0});
                  c.setShape(c.tensor(1), {64, 0});
                },
                bundle),
            "argument 0 ('x') has shape [512, 0], expected [T, E] with E at "
            "least 1");
}

TEST(Arguments, NamesAreOptional) {
  Bundle bundle = makeHeadGate();
  for (ArgumentSpec &spec : bundle.arguments)
    spec.name.clear();
  EXPECT_EQ(
      errorAfter([](Call &c) { c.setShape(c.tensor(2), {512, 32, 1}); },
                 bundle),
      "argument 2 has shape [512, 32, 1], expected [T, H, 1] with T = 512 "
      "(from argument 0), H = 64 (from argument 1)");
}

TEST(Arguments, NullArraysAreRejected) {
  Bundle bundle = makeHeadGate();
  Call call(5, 64);
  BoundKernel bound[kMaxKernels];
  EXPECT_EQ(bindArguments(bundle, nullptr, 4, call.results.data(), 1, bound),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'arguments' is null");
  EXPECT_EQ(bindArguments(bundle, call.arguments.data(), 4, nullptr, 1, bound),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'results' is null");
}
