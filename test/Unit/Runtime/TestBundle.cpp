//===- TestBundle.cpp - A bundle and a call for tests ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestBundle.h"

#include <utility>

using namespace indexer::runtime;

Bundle makeHeadGate() {
  Bundle bundle;
  bundle.entry = "head_gate";
  bundle.arguments = {
      {"x", true, ElementType::BF16, {kDynamic, 128}},
      {"weight", true, ElementType::BF16, {kDynamic, 128}},
      {"q_scale", true, ElementType::F32, {kDynamic, kDynamic, 1}},
      {"softmax_scale", false, ElementType::F32, {}}};
  bundle.results = {{"gate", true, ElementType::F32, {kDynamic, kDynamic, 1}}};

  FusedKernel kernel;
  kernel.operands = {{0, {{0}, {1}}, {0, 2}},
                     {1, {{0}, {1}}, {1, 2}},
                     {2, {{0}, {1}}, {0, 1}},
                     {0, {{0}, {1}}, {0, 1}}};
  kernel.operandTypes = {ElementType::BF16, ElementType::BF16, ElementType::F32,
                         ElementType::F32};
  kernel.scalars = {{false, 3, 0, ElementType::F32},
                    {true, 0, 0.125, ElementType::BF16}};
  kernel.extents[0] = {kDynamic, 0, 0};
  kernel.extents[1] = {kDynamic, 1, 0};
  kernel.extents[2] = {128, 0, 0};

  using Kind = KernelParameter::Kind;
  KernelLaunch fma;
  fma.kernel = "fma";
  fma.family = "fma";
  fma.order = "fma in 256 threads";
  fma.staticOperands = {1};
  fma.minTokens = 1;
  fma.maxTokens = 16;
  fma.tileT = 2;
  fma.tileH = 8;
  fma.threads = 256;
  fma.cluster = 4;
  fma.dynamicSharedBytes = 65536;
  fma.parameters = {
      {Kind::Pointer, 0, 0}, {Kind::Pointer, 1, 0}, {Kind::Pointer, 2, 0},
      {Kind::Pointer, 3, 0}, {Kind::Stride, 0, 0},  {Kind::Stride, 0, 1},
      {Kind::Stride, 3, 0},  {Kind::Extent, 0, 0},  {Kind::Extent, 1, 0},
      {Kind::Extent, 2, 0},  {Kind::Scalar, 0, 0},  {Kind::Scalar, 1, 0}};
  fma.resources = {64, 0, 65536};
  KernelLaunch plain = fma;
  plain.kernel = "plain";
  plain.family = "plain";
  plain.minTokens = 17;
  plain.maxTokens = INT64_MAX;
  plain.tileT = 64;
  plain.tileH = 16;
  plain.headsFirst = true;
  plain.threads = 128;
  plain.cluster = 1;
  plain.dynamicSharedBytes = 0;
  kernel.launches = {fma, plain};
  bundle.kernels = {kernel};
  bundle.objects = {{"sm_90a", "cubin", "machine code", "ptxas 13.0.88"},
                    {"sm_80", "ptx", ".version 8.6", ""}};
  return bundle;
}

Bundle makeTmaHeadGate() {
  Bundle bundle = makeHeadGate();
  std::vector<KernelLaunch> &launches = bundle.kernels[0].launches;
  using Kind = KernelParameter::Kind;
  launches[0].maxCtas = 8;
  launches[0].parameters[0] = {Kind::TensorMap, 0, 0, 16, 64};
  launches[0].parameters[1] = {Kind::TensorMap, 1, 0, 8, 64};
  launches[1].minTokens = 1;
  return bundle;
}

Bundle makeBatchedHeadGate() {
  Bundle bundle = makeHeadGate();
  bundle.arguments[0].shape = {kDynamic, kDynamic, 128};
  bundle.kernels[0].operands[0] = {0, {{0, 1}, {2}}, {0, 2}};
  return bundle;
}

Bundle makeMergedHeadGate() {
  Bundle bundle = makeHeadGate();
  bundle.arguments[1].shape = {192, 128};
  bundle.arguments[2].shape = {kDynamic, 64, 1};
  bundle.results = {{"keys", true, ElementType::BF16, {kDynamic, 128}},
                    {"gate", true, ElementType::F32, {kDynamic, 64, 1}}};
  FusedKernel &kernel = bundle.kernels[0];
  kernel.numResults = 2;
  TensorBinding keys = {0, {{0}, {1}}, {0, 1}}, gate = {1, {{0}, {1}}, {0, 1}};
  keys.heads = {0, 128};
  gate.heads = {128, 64};
  kernel.operands[2].heads = {128, 64};
  kernel.operands[3] = keys;
  kernel.operands.push_back(gate);
  kernel.operandTypes[3] = ElementType::BF16;
  kernel.operandTypes.push_back(ElementType::F32);
  kernel.extents[1] = {192, 0, 0};
  using Kind = KernelParameter::Kind;
  for (KernelLaunch &launch : kernel.launches)
    launch.parameters = {
        {Kind::Pointer, 0, 0}, {Kind::Pointer, 1, 0}, {Kind::Pointer, 2, 0},
        {Kind::Pointer, 3, 0}, {Kind::Pointer, 4, 0}, {Kind::Stride, 3, 0},
        {Kind::Stride, 4, 0},  {Kind::Extent, 0, 0},  {Kind::Extent, 1, 0},
        {Kind::Scalar, 0, 0},  {Kind::Scalar, 1, 0}};
  return bundle;
}

Call Call::merged(int64_t t) {
  Call call(t, 64);
  call.setShape(call.tensor(1), {192, 128});
  call.results.insert(call.results.begin(), call.results[0]);
  call.results[0].data = reinterpret_cast<void *>(0xb000);
  call.results[0].type = INDEXER_BF16;
  call.setShape(call.results[0], {t, 128});
  return call;
}

Call::Call(int64_t t, int64_t h) {
  auto pointer = [](uintptr_t value) {
    return reinterpret_cast<void *>(value);
  };
  arguments.resize(4);
  results.resize(1);
  for (unsigned i = 0; i < 3; ++i) {
    arguments[i].is_tensor = 1;
    tensor(i).data = pointer(0x1000 * (i + 1));
    tensor(i).type = i < 2 ? INDEXER_BF16 : INDEXER_F32;
  }
  arguments[3].scalar = 0.1;
  results[0].data = pointer(0x9000);
  results[0].type = INDEXER_F32;
  setShape(tensor(0), {t, 128});
  setShape(tensor(1), {h, 128});
  setShape(tensor(2), {t, h, 1});
  setShape(results[0], {t, h, 1});
}

void Call::setShape(IndexerTensor &tensor, std::vector<int64_t> shape,
                    std::vector<int64_t> strides) {
  tensor.rank = static_cast<int32_t>(shape.size());
  numbers.push_back(std::move(shape));
  tensor.shape = numbers.back().data();
  tensor.strides = nullptr;
  if (strides.empty())
    return;
  numbers.push_back(std::move(strides));
  tensor.strides = numbers.back().data();
}
