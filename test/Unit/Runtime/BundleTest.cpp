//===- BundleTest.cpp - Bytes to bundle and back --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestBundle.h"
#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/ValidateBundle.h"
#include "gtest/gtest.h"

#include <cmath>
#include <functional>
#include <limits>
#include <zlib.h>

using namespace indexer::runtime;

/// The error that deserialize() gives for `bytes`, "" for none. The bytes are
/// copied to a block of exactly their size, so that a sanitizer sees a read
/// past the end.
static std::string errorOf(const std::string &bytes) {
  std::vector<char> exact(bytes.begin(), bytes.end());
  Bundle bundle;
  std::string error;
  bool ok = deserialize(exact.data(), exact.size(), bundle, error);
  EXPECT_EQ(ok, error.empty()) << error;
  return error;
}

/// `bytes` with a right checksum.
static std::string sealed(std::string bytes) {
  size_t covered = bytes.size() - kBundleTrailerSize;
  const auto *data = reinterpret_cast<const unsigned char *>(bytes.data());
  unsigned long crc = crc32_z(0, data, covered);
  for (unsigned i = 0; i < 4; ++i)
    bytes[covered + i] = static_cast<char>(crc >> (8 * i));
  return bytes;
}

/// What is wrong with the test bundle after `change`.
static std::string errorAfter(const std::function<void(Bundle &)> &change) {
  Bundle bundle = makeHeadGate();
  change(bundle);
  return errorOf(serialize(bundle));
}

TEST(Bundle, RoundTrip) {
  Bundle bundle = makeHeadGate();
  bundle.objects[0].bytes = std::string("\0binary\xff\n", 9);
  std::string bytes = serialize(bundle), error;
  Bundle read;
  ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
  EXPECT_EQ(serialize(read), bytes);
  // Fields that the writer and the reader could both have forgotten.
  EXPECT_EQ(read.entry, "head_gate");
  EXPECT_EQ(read.arguments[2].shape, bundle.arguments[2].shape);
  EXPECT_FALSE(read.arguments[3].isTensor);
  const FusedKernel &kernel = read.kernels[0];
  EXPECT_EQ(kernel.operands[1].loops, (std::vector<unsigned>{1, 2}));
  EXPECT_EQ(kernel.operands[3].groups, bundle.kernels[0].operands[3].groups);
  EXPECT_EQ(kernel.operandTypes, bundle.kernels[0].operandTypes);
  EXPECT_EQ(kernel.scalars[0].argument, 3u);
  EXPECT_TRUE(kernel.scalars[1].isConstant);
  EXPECT_EQ(kernel.scalars[1].constant, 0.125);
  EXPECT_EQ(kernel.scalars[1].type, ElementType::BF16);
  EXPECT_EQ(kernel.extents[1].operand, 1u);
  EXPECT_EQ(kernel.extents[2].extent, 128);
  const KernelLaunch &fma = kernel.launches[0], &plain = kernel.launches[1];
  EXPECT_EQ(fma.kernel, "fma");
  EXPECT_EQ(fma.family, "fma");
  EXPECT_EQ(fma.order, "fma in 256 threads");
  EXPECT_EQ(fma.staticOperands, (std::vector<unsigned>{1}));
  EXPECT_EQ(fma.maxTokens, 16);
  EXPECT_EQ(fma.tileT, 2);
  EXPECT_EQ(fma.tileH, 8);
  EXPECT_EQ(fma.threads, 256u);
  EXPECT_EQ(fma.cluster, 4u);
  EXPECT_EQ(fma.split, 1u);
  EXPECT_EQ(fma.alignment, 0u);
  EXPECT_EQ(fma.dynamicSharedBytes, 65536u);
  EXPECT_EQ(fma.resources.registers, 64);
  EXPECT_EQ(fma.resources.sharedBytes, 65536);
  ASSERT_EQ(fma.parameters.size(), 12u);
  EXPECT_EQ(fma.parameters[5].kind, KernelParameter::Kind::Stride);
  EXPECT_EQ(fma.parameters[5].dim, 1u);
  EXPECT_EQ(fma.parameters[8].index, 1u);
  EXPECT_EQ(plain.minTokens, 17);
  EXPECT_EQ(plain.maxTokens, INT64_MAX);
  EXPECT_TRUE(plain.headsFirst);
  EXPECT_EQ(read.objects[0].bytes, bundle.objects[0].bytes);
  EXPECT_EQ(read.objects[0].assembler, "ptxas 13.0.88");
  EXPECT_EQ(read.objects[1].format, "ptx");
}

TEST(Bundle, RoundTripKeepsTensorMaps) {
  Bundle bundle = makeTmaHeadGate(), read;
  std::string bytes = serialize(bundle), error;
  ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
  EXPECT_EQ(serialize(read), bytes);
  const KernelLaunch &launch = read.kernels[0].launches[0];
  EXPECT_EQ(launch.maxCtas, 8u);
  const KernelParameter &map = launch.parameters[1];
  EXPECT_EQ(map.kind, KernelParameter::Kind::TensorMap);
  EXPECT_EQ(map.index, 1u);
  EXPECT_EQ(map.boxRows, 8u);
  EXPECT_EQ(map.boxColumns, 64u);
}

TEST(Bundle, RoundTripKeepsSlices) {
  Bundle bundle = makeHeadGate(), read;
  bundle.arguments[1].shape = {192, 128};
  bundle.kernels[0].operands[1].slice = TensorBinding::Slice{0, 128, 64};
  std::string bytes = serialize(bundle), error;
  ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
  ASSERT_TRUE(read.kernels[0].operands[1].slice);
  EXPECT_EQ(read.kernels[0].operands[1].slice->dim, 0u);
  EXPECT_EQ(read.kernels[0].operands[1].slice->first, 128);
  EXPECT_EQ(read.kernels[0].operands[1].slice->count, 64);
  EXPECT_FALSE(read.kernels[0].operands[0].slice);
}

TEST(Bundle, RoundTripKeepsResultsAndHeads) {
  Bundle bundle = makeMergedHeadGate(), read;
  std::string bytes = serialize(bundle), error;
  ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
  const FusedKernel &kernel = read.kernels[0];
  EXPECT_EQ(kernel.numResults, 2u);
  ASSERT_EQ(kernel.operands.size(), 5u);
  EXPECT_FALSE(kernel.operands[1].heads);
  for (unsigned operand : {2, 4}) {
    ASSERT_TRUE(kernel.operands[operand].heads);
    EXPECT_EQ(kernel.operands[operand].heads->first, 128);
    EXPECT_EQ(kernel.operands[operand].heads->count, 64);
  }
  EXPECT_EQ(kernel.operands[3].argument, 0u);
  EXPECT_EQ(kernel.operands[4].argument, 1u);
  EXPECT_EQ(serialize(read), bytes);
}

TEST(Bundle, RoundTripKeepsEveryConstant) {
  double inf = std::numeric_limits<double>::infinity();
  for (double value :
       {0.1, -0.0, 1e-320, 1.7976931348623157e308, inf, -inf, std::nan("")}) {
    Bundle bundle = makeHeadGate(), read;
    bundle.kernels[0].scalars[1].constant = value;
    std::string bytes = serialize(bundle), error;
    ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
    double got = read.kernels[0].scalars[1].constant;
    EXPECT_EQ(std::isnan(got), std::isnan(value));
    EXPECT_EQ(std::signbit(got), std::signbit(value));
    EXPECT_TRUE(got == value || std::isnan(value));
  }
}

TEST(Bundle, RejectsForeignBytes) {
  const char *expected = "not a bundle: it does not start with 'INDEXERB'";
  EXPECT_EQ(errorOf(""), expected);
  EXPECT_EQ(errorOf("\x7f"
                    "ELF and so on"),
            expected);
}

TEST(Bundle, RejectsNewerFormat) {
  std::string bytes = serialize(makeHeadGate());
  bytes[8] = 4;
  EXPECT_EQ(errorOf(sealed(bytes)),
            "the bundle has format version 4, this library reads version 3: "
            "use a newer library or compile again");
}

TEST(Bundle, RejectsEveryTruncation) {
  std::string bytes = serialize(makeHeadGate());
  for (size_t size = 1; size < bytes.size(); ++size)
    EXPECT_EQ(
        errorOf(bytes.substr(0, size)).rfind("the bundle is truncated", 0), 0u)
        << size;
  EXPECT_EQ(errorOf(bytes.substr(0, 10)),
            "the bundle is truncated: it has 10 bytes, expected at least 36");
  EXPECT_EQ(errorOf(bytes + "x").rfind("the bundle is corrupt: it has ", 0),
            0u);
}

TEST(Bundle, RejectsEveryFlippedByte) {
  std::string bytes = serialize(makeHeadGate());
  for (size_t i = 0; i < bytes.size(); ++i)
    for (char mask : {'\x01', '\x80', '\xff'}) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ mask);
      EXPECT_NE(errorOf(flipped), "") << i;
    }
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_EQ(errorOf(bytes),
            "the bundle is corrupt: its checksum does not match");
}

// With a right checksum, whatever the bytes say must be read without harm.
TEST(Bundle, SurvivesSealedMutations) {
  std::string bytes = serialize(makeHeadGate());
  size_t accepted = 0, rejected = 0;
  for (size_t i = 8; i < bytes.size() - kBundleTrailerSize; ++i)
    for (char value : {'\0', '9', '-', '"', '[', '}', ',', 'x', '\xff'}) {
      std::string changed = bytes;
      changed[i] = value;
      ++(errorOf(sealed(changed)).empty() ? accepted : rejected);
    }
  EXPECT_GT(accepted, 0u);
  EXPECT_GT(rejected, 0u);
}

TEST(Bundle, RejectsSizesBeyondTheEnd) {
  std::string bytes = serialize(makeHeadGate());
  std::string huge = bytes;
  for (unsigned i = 24; i < 32; ++i)
    huge[i] = '\xff';
  EXPECT_EQ(errorOf(sealed(huge)),
            "the bundle is corrupt: its prologue is not consistent");
  size_t at = bytes.find("\"size\":12");
  ASSERT_NE(at, std::string::npos);
  std::string large = bytes, small = bytes;
  large.replace(at, 9, "\"size\":99");
  EXPECT_EQ(errorOf(sealed(large)), "the bundle is corrupt: code object 0 has "
                                    "99 bytes, 24 are left");
  small.replace(at, 9, "\"size\":10");
  EXPECT_EQ(errorOf(sealed(small)),
            "the bundle is corrupt: 2 bytes belong to no code object");
}

TEST(Bundle, RejectsWrongFields) {
  std::string bytes = serialize(makeHeadGate());
  auto replaced = [&](const std::string &from, const std::string &to) {
    EXPECT_EQ(from.size(), to.size());
    std::string changed = bytes;
    changed.replace(bytes.find(from), from.size(), to);
    return errorOf(sealed(changed));
  };
  EXPECT_EQ(replaced("\"entry\"", "\"enter\""),
            "the bundle is corrupt: field 'entry' is missing");
  EXPECT_EQ(replaced("\"bf16\"", "\"bf17\""),
            "the bundle is corrupt: field 'type' is not one of bf16, f16, f32, "
            "f64");
  EXPECT_EQ(replaced("\"threads\":256", "\"threads\":-25"),
            "the bundle is corrupt: field 'threads' is not an integer in "
            "range");
  EXPECT_EQ(replaced("\"heads_first\":false", "\"heads_first\":00000"),
            "the bundle is corrupt: its header is not a JSON object");
  EXPECT_EQ(replaced("{\"entry\"", "[\"entry\""),
            "the bundle is corrupt: its header is not a JSON object");
}

TEST(Bundle, RejectsInconsistentTables) {
  const std::string prefix = "the bundle is corrupt: ";
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[0].argument = 9; }),
      prefix + "operand 0 of fused op 0 is bound to no tensor");
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[0].argument = 3; }),
      prefix + "operand 0 of fused op 0 is bound to no tensor");
  EXPECT_EQ(errorAfter([](Bundle &b) {
              b.kernels[0].operandTypes[2] = ElementType::F64;
            }),
            prefix +
                "operand 2 of fused op 0 has type f64, its tensor has f32");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].operandTypes.pop_back(); }),
            prefix + "field 'type' is missing");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].operands[1].loops = {1}; }),
            prefix + "operand 1 of fused op 0 has 2 dimensions and 1 loops");
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[1].loops = {1, 1}; }),
      prefix + "operand 1 of fused op 0 has a wrong or repeated loop");
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[2].groups[1] = {0}; }),
      prefix + "operand 2 of fused op 0 has a wrong or repeated dimension");
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[0].groups[1] = {}; }),
      prefix + "operand 0 of fused op 0 leaves out dimension 1 of extent 128");
  EXPECT_EQ(
      errorAfter([](Bundle &b) { b.kernels[0].operands[3].loops = {0, 2}; }),
      prefix + "a result of fused op 0 is not over t and h");
  for (TensorBinding::Slice slice :
       {TensorBinding::Slice{1, 100, 29}, TensorBinding::Slice{1, -1, 4},
        TensorBinding::Slice{1, 0, -1}, TensorBinding::Slice{2, 0, 1},
        TensorBinding::Slice{1, INT64_MAX, 1},
        TensorBinding::Slice{0, 0, 1}}) // Of a dynamic extent.
    EXPECT_EQ(
        errorAfter([&](Bundle &b) { b.kernels[0].operands[1].slice = slice; }),
        prefix + "operand 1 of fused op 0 is a part that its tensor does not "
                 "have");
  EXPECT_EQ(errorAfter([](Bundle &b) {
              b.results[0].shape[1] = 64;
              b.kernels[0].operands[3].slice = TensorBinding::Slice{1, 0, 64};
            }),
            prefix + "a result of fused op 0 is a part of a tensor");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].scalars[0].argument = 0; }),
            prefix + "a scalar of fused op 0 is bound to no scalar");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].extents[0].dim = 1; }),
            prefix + "extent 0 of fused op 0 is read from a dimension of "
                     "another loop");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].extents[2].extent = 0; }),
            prefix + "fused op 0 sums up nothing");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels[0].launches.clear(); }),
            prefix + "fused op 0 has no machine code");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.objects[0].format = "elf"; }),
            prefix + "code object 0 has format 'elf', accepted are cubin and "
                     "ptx");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.results[0].isTensor = false; }),
            prefix + "result 0 is not a tensor");
  EXPECT_EQ(errorAfter([](Bundle &b) { b.kernels.resize(9, b.kernels[0]); }),
            prefix + "it has more than 8 fused ops");
}

TEST(Bundle, RejectsWrongHeads) {
  auto error = [](const std::function<void(FusedKernel &)> &change) {
    Bundle bundle = makeMergedHeadGate(), read;
    change(bundle.kernels[0]);
    std::string bytes = serialize(bundle), why;
    EXPECT_FALSE(deserialize(bytes.data(), bytes.size(), read, why));
    return why;
  };
  const std::string prefix = "the bundle is corrupt: ";
  EXPECT_EQ(error([](FusedKernel &k) { k.operands[4].heads = {160, 64}; }),
            prefix +
                "operand 4 of fused op 0 has heads that the kernel does not "
                "have");
  EXPECT_EQ(error([](FusedKernel &k) { k.operands[2].heads = {-1, 64}; }),
            prefix +
                "operand 2 of fused op 0 has heads that the kernel does not "
                "have");
  EXPECT_EQ(error([](FusedKernel &k) { k.extents[1] = {kDynamic, 1, 0}; }),
            prefix +
                "operand 2 of fused op 0 has heads that the kernel does not "
                "have");
  EXPECT_EQ(error([](FusedKernel &k) { k.operands[3].heads.reset(); }),
            prefix + "a result of fused op 0 does not say which heads it has");
}

TEST(Bundle, RejectsWrongLaunches) {
  auto errorOfLaunch = [](const std::function<void(KernelLaunch &)> &change) {
    return errorAfter([&](Bundle &b) { change(b.kernels[0].launches[0]); });
  };
  const std::string prefix = "the bundle is corrupt: kernel 'fma' ";
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.tileT = 0; }),
            prefix + "has an empty tile");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.maxTokens = 0; }),
            prefix + "has an empty range of tokens");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.threads = 2048; }),
            prefix + "has 2048 threads, accepted are 1 to 1024");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.cluster = 0; }),
            prefix + "has clusters of 0, accepted are 1 to 16");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.split = 17; }),
            prefix + "splits a tile over 17 blocks, accepted are 1 to 16");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.maxCtas = 6; }),
            prefix + "has at most 6 blocks, accepted are multiples of 4");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.alignment = 12; }),
            prefix + "needs an alignment of 12 bytes, accepted are powers of "
                     "two");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.parameters.resize(193); }),
            prefix + "has more than 192 parameters");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.parameters[5].dim = 2; }),
            "the bundle is corrupt: parameter 5 of kernel 'fma' is bound to "
            "nothing");
  EXPECT_EQ(errorOfLaunch([](KernelLaunch &l) { l.parameters[11].index = 2; }),
            "the bundle is corrupt: parameter 11 of kernel 'fma' is bound to "
            "nothing");
}

TEST(Bundle, RejectsWrongTensorMaps) {
  auto errorOfMap = [](const std::function<void(KernelParameter &)> &change) {
    Bundle bundle = makeTmaHeadGate();
    change(bundle.kernels[0].launches[0].parameters[0]);
    return errorOf(serialize(bundle));
  };
  EXPECT_EQ(errorOfMap([](KernelParameter &) {}), "");
  const std::string expected =
      "the bundle is corrupt: parameter 0 of kernel 'fma' is bound to nothing";
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.index = 4; }), expected);
  // q_scale has no d.
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.index = 2; }), expected);
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.boxRows = 0; }), expected);
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.boxRows = 257; }), expected);
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.boxColumns = 0; }), expected);
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.boxColumns = 4; }), expected);
  EXPECT_EQ(errorOfMap([](KernelParameter &p) { p.boxColumns = 72; }),
            expected);
  Bundle bundle = makeTmaHeadGate();
  std::vector<KernelParameter> &parameters =
      bundle.kernels[0].launches[0].parameters;
  parameters.assign(5, parameters[0]);
  EXPECT_EQ(errorOf(serialize(bundle)),
            "the bundle is corrupt: kernel 'fma' has more than 4 tensor maps");
}

TEST(Bundle, NamesAndSizesOfElementTypes) {
  EXPECT_STREQ(elementTypeName(ElementType::BF16), "bf16");
  EXPECT_STREQ(elementTypeName(ElementType::F64), "f64");
  EXPECT_EQ(elementTypeSize(ElementType::F16), 2u);
  EXPECT_EQ(elementTypeSize(ElementType::F32), 4u);
}

TEST(BundleApi, DescribesWithoutTheCode) {
  std::string bytes = serialize(makeHeadGate());
  IndexerBundle *bundle = nullptr;
  ASSERT_EQ(indexerBundleCreate(bytes.data(), bytes.size(), &bundle),
            INDEXER_OK);
  std::string text = indexerBundleDescribe(bundle);
  EXPECT_NE(text.find("\"entry\": \"head_gate\""), std::string::npos);
  EXPECT_NE(text.find("\"registers\": 64"), std::string::npos);
  EXPECT_NE(text.find("\"chip\": \"sm_90a\""), std::string::npos);
  EXPECT_EQ(text.find("machine code"), std::string::npos);
  indexerBundleDestroy(bundle);
  indexerBundleDestroy(nullptr);
}

TEST(BundleApi, ReportsErrorsOfFiles) {
  IndexerBundle *bundle = nullptr;
  EXPECT_EQ(indexerBundleOpen("/nonexistent/gate.bundle", &bundle),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(
      indexerLastError(),
      "cannot read '/nonexistent/gate.bundle': No such file or directory");
  EXPECT_EQ(indexerBundleOpen("/", &bundle), INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "cannot read '/': not a regular file");
  std::string path = ::testing::TempDir() + "indexer-runtime-test.bundle";
  FILE *file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs("foreign", file);
  std::fclose(file);
  EXPECT_EQ(indexerBundleOpen(path.c_str(), &bundle), INDEXER_BAD_BUNDLE);
  EXPECT_EQ(indexerLastError(),
            "'" + path + "': not a bundle: it does not start with 'INDEXERB'");
  EXPECT_EQ(bundle, nullptr);
  std::string bytes = serialize(makeHeadGate());
  file = std::fopen(path.c_str(), "wb");
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  EXPECT_EQ(indexerBundleOpen(path.c_str(), &bundle), INDEXER_OK);
  indexerBundleDestroy(bundle);
  std::remove(path.c_str());
  EXPECT_EQ(indexerBundleOpen(nullptr, &bundle), INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'path' is null");
}
