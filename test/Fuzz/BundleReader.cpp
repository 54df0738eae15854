//===- BundleReader.cpp - Fuzz target of the bundle reader ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input is a JSON header, and after a zero byte the bytes of the code
// objects; the prologue and the checksum, which a mutation never gets right,
// are made here. What the reader accepts must be written and read again without
// a change, and a call must be checked against it without harm.
//
//===----------------------------------------------------------------------===//
#include "BundleReader.h"

#include "indexer/Runtime/Arguments.h"
#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/SelectCode.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <zlib.h>

using namespace indexer::runtime;

/// Ends the process where libFuzzer sees it.
static void require(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::abort();
}

static void append(std::string &out, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

/// A file with this header and these bytes, and all numbers right.
static std::string sealed(const std::string &header, const std::string &code) {
  std::string out(kBundleMagic, kBundleMagicSize);
  append(out, kBundleVersion, 4);
  append(out, 0, 4);
  append(out,
         kBundlePrologueSize + header.size() + code.size() + kBundleTrailerSize,
         8);
  append(out, header.size(), 8);
  out += header + code;
  append(out,
         crc32_z(0, reinterpret_cast<const unsigned char *>(out.data()),
                 out.size()),
         4);
  return out;
}

/// Calls the entry with tensors as the bundle wants them, 3 for every extent
/// that it leaves open. The memory is never touched.
static void bindCall(const Bundle &bundle) {
  std::vector<std::vector<int64_t>> shapes;
  shapes.reserve(bundle.arguments.size() + bundle.results.size());
  auto makeTensor = [&](const ArgumentSpec &spec) {
    std::vector<int64_t> &shape = shapes.emplace_back(spec.shape);
    for (int64_t &extent : shape)
      extent = extent == kDynamic ? 3 : extent;
    IndexerTensor tensor = {};
    tensor.data = reinterpret_cast<void *>(0x1000);
    tensor.type = static_cast<IndexerType>(spec.type);
    tensor.rank = static_cast<int32_t>(shape.size());
    tensor.shape = shape.data();
    return tensor;
  };
  std::vector<IndexerArgument> arguments;
  for (const ArgumentSpec &spec : bundle.arguments) {
    IndexerArgument argument = {};
    argument.is_tensor = spec.isTensor;
    argument.scalar = 0.5;
    if (spec.isTensor)
      argument.tensor = makeTensor(spec);
    arguments.push_back(argument);
  }
  std::vector<IndexerTensor> results;
  for (const ArgumentSpec &spec : bundle.results)
    results.push_back(makeTensor(spec));
  BoundKernel bound[kMaxKernels];
  (void)bindArguments(bundle, arguments.data(), arguments.size(),
                      results.data(), results.size(), bound);
}

/// Reads `bytes`, from a block of exactly their size.
static void readBundle(const std::string &bytes) {
  std::vector<char> exact(bytes.begin(), bytes.end());
  Bundle bundle, again;
  std::string error;
  if (!deserialize(exact.data(), exact.size(), bundle, error)) {
    require(!error.empty(), "a rejected bundle has an error");
    return;
  }
  std::string written = serialize(bundle);
  require(deserialize(written.data(), written.size(), again, error),
          "what was read is written so that it can be read");
  require(serialize(again) == written, "it is the same after that");
  (void)headerText(bundle, /*indent=*/2);
  (void)chipsText(bundle);
  for (int version : {80, 89, 90, 100, 120})
    (void)selectCode(bundle, version / 10, version % 10);
  bindCall(bundle);
}

void fuzzBundleReader(const char *data, size_t size) {
  std::string input(data, size);
  readBundle(input);
  size_t end = std::min(input.find('\0'), input.size());
  readBundle(sealed(input.substr(0, end),
                    end < size ? input.substr(end + 1) : std::string()));
}
