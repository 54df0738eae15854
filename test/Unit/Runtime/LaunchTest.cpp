//===- LaunchTest.cpp - Loading and launching on a fake driver ------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LaunchFixture.h"

#include "indexer/Runtime/Kernel.h"
#include "indexer/Runtime/LastError.h"

#include <cstring>
#include <thread>

using namespace indexer::runtime;

namespace {
class Launch : public LaunchFixture {};
} // namespace

/// Expects parameter `index` to begin with the bytes of `value`.
template <typename T>
static void expectParameter(const FakeLaunch &launch, size_t index, T value) {
  EXPECT_EQ(std::memcmp(launch.parameters[index].data(), &value, sizeof value),
            0)
      << "parameter " << index;
}

TEST_F(Launch, PacksParametersInOrder) {
  ASSERT_EQ(load(makeHeadGate()), "");
  Call call(5, 64);
  call.setShape(call.tensor(0), {5, 128}, {4096, 2});
  int stream;
  ASSERT_EQ(launch(call, &stream), "");
  ASSERT_EQ(fake.launches.size(), 1u);
  const FakeLaunch &got = fake.launches[0];
  EXPECT_EQ(got.stream, &stream);
  EXPECT_NE(got.context, nullptr);
  for (unsigned i = 0; i < 3; ++i)
    expectParameter(got, i, call.tensor(i).data);
  expectParameter(got, 3, call.results[0].data);
  expectParameter<int64_t>(got, 4, 4096);
  expectParameter<int64_t>(got, 5, 2);
  expectParameter<int64_t>(got, 6, 64);
  expectParameter<int64_t>(got, 7, 5);
  expectParameter<int64_t>(got, 8, 64);
  expectParameter<int64_t>(got, 9, 128);
  expectParameter<float>(got, 10, 0.1f);
  expectParameter<uint16_t>(got, 11, 0x3e00); // 0.125 in bf16.
}

// T = 5, H = 64, tiles of 2x8: 3x8 blocks, and x rounded up to clusters of 4.
TEST_F(Launch, SetsGridClusterAndSharedMemory) {
  ASSERT_EQ(load(makeHeadGate()), "");
  ASSERT_EQ(launch(Call(5, 64)), "");
  const FakeLaunch &got = fake.launches.at(0);
  EXPECT_EQ(got.kernel, "fma");
  EXPECT_EQ(got.grid[0], 4u);
  EXPECT_EQ(got.grid[1], 8u);
  EXPECT_EQ(got.grid[2], 1u);
  EXPECT_EQ(got.block[0], 256u);
  EXPECT_EQ(got.block[1], 1u);
  EXPECT_EQ(got.sharedBytes, 65536u);
  EXPECT_EQ(got.cluster[0], 4u);
  EXPECT_EQ(got.cluster[1], 1u);
  EXPECT_EQ(fake.functionAttributes["fma"][CuMaxDynamicSharedSizeBytes], 65536);
  EXPECT_EQ(
      fake.functionAttributes["fma"].count(CuNonPortableClusterSizeAllowed),
      0u);
  EXPECT_TRUE(fake.functionAttributes["plain"].empty());
}

TEST_F(Launch, LargeClustersAreAllowedAtLoad) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[0].cluster = 16;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(fake.functionAttributes["fma"][CuNonPortableClusterSizeAllowed], 1);
}

// T = 5, H = 64, tiles of 2x8 of 4 CTAs each: 3x8 tiles, the CTAs along x.
TEST_F(Launch, SplitTilesTakeSeveralCtas) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[0].split = 4;
  ASSERT_EQ(load(bundle), "");
  ASSERT_EQ(launch(Call(5, 64)), "");
  EXPECT_EQ(fake.launches.at(0).grid[0], 12u);
  EXPECT_EQ(fake.launches.at(0).grid[1], 8u);
}

TEST_F(Launch, StartsEarlyOnlyWhereTheKernelWaits) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[0].startsEarly = true;
  ASSERT_EQ(load(bundle), "");
  ASSERT_EQ(launch(Call(5, 64)), "");
  ASSERT_EQ(launch(Call(17, 64)), "");
  EXPECT_TRUE(fake.launches.at(0).startsEarly);
  EXPECT_EQ(fake.launches.at(0).cluster[0], 4u);
  EXPECT_FALSE(fake.launches.at(1).startsEarly);
}

// What a kernel asks of the layout of x and weight decides, where T does not.
TEST_F(Launch, UnalignedOperandsGoToTheNextKernel) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[0].alignment = 16;
  bundle.kernels[0].launches[1].minTokens = 1;
  ASSERT_EQ(load(bundle), "");
  auto kernelOf = [&](const Call &call) {
    EXPECT_EQ(launch(call), "");
    return fake.launches.back().kernel;
  };
  EXPECT_EQ(kernelOf(Call(5, 64)), "fma");
  Call padded(5, 64);
  padded.setShape(padded.tensor(0), {5, 128}, {136, 1});
  EXPECT_EQ(kernelOf(padded), "fma");
  Call oddRows(5, 64);
  oddRows.setShape(oddRows.tensor(1), {64, 128}, {132, 1});
  EXPECT_EQ(kernelOf(oddRows), "plain");
  Call stridden(5, 64);
  stridden.setShape(stridden.tensor(0), {5, 128}, {4096, 2});
  EXPECT_EQ(kernelOf(stridden), "plain");
  Call shifted(5, 64);
  shifted.tensor(0).data = reinterpret_cast<void *>(0x1008);
  EXPECT_EQ(kernelOf(shifted), "plain");
  // One row has no next one.
  Call single(1, 64);
  single.setShape(single.tensor(0), {1, 128}, {129, 1});
  EXPECT_EQ(kernelOf(single), "fma");
}

// A tensor map of x and one of weight, in the launch's parameters.
TEST_F(Launch, TensorMapsDescribeTheOperands) {
  ASSERT_EQ(load(makeTmaHeadGate()), "");
  Call call(5, 64);
  call.setShape(call.tensor(0), {5, 128}, {136, 1});
  ASSERT_EQ(launch(call), "");
  ASSERT_EQ(fake.tensorMaps.size(), 2u);
  expectParameter<uint64_t>(fake.launches.at(0), 0, 1);
  expectParameter<uint64_t>(fake.launches.at(0), 1, 2);
  expectParameter(fake.launches.at(0), 2, call.tensor(2).data);
  const FakeTensorMap &x = fake.tensorMaps[0], &weight = fake.tensorMaps[1];
  EXPECT_EQ(x.type, CuTensorMapBfloat16);
  EXPECT_EQ(x.address, call.tensor(0).data);
  EXPECT_EQ(x.extents[0], 128u);
  EXPECT_EQ(x.extents[1], 5u);
  EXPECT_EQ(x.stride, 272u);
  EXPECT_EQ(x.box[0], 64u);
  EXPECT_EQ(x.box[1], 16u);
  EXPECT_EQ(x.swizzle, CuTensorMapSwizzle128B);
  EXPECT_EQ(x.fill, CuTensorMapFillZeros);
  EXPECT_EQ(weight.extents[1], 64u);
  EXPECT_EQ(weight.stride, 256u);
  EXPECT_EQ(weight.box[1], 8u);
}

// Each launch has the maps of its own operands, and no map is made twice.
TEST_F(Launch, TensorMapsOfEarlierLaunchesAreKept) {
  Bundle bundle = makeTmaHeadGate();
  KernelLaunch &many = bundle.kernels[0].launches[1] =
      bundle.kernels[0].launches[0];
  many.kernel = "other box";
  many.minTokens = 17;
  many.maxTokens = 32;
  many.parameters[0].boxRows = 32;
  ASSERT_EQ(load(bundle), "");
  // Numbers of the maps of x and weight in a launch.
  auto maps = [&](Call &call) {
    std::array<uint64_t, 2> numbers;
    EXPECT_EQ(launch(call), "");
    for (unsigned i = 0; i < 2; ++i)
      std::memcpy(&numbers[i], fake.launches.back().parameters[i].data(), 8);
    return numbers;
  };
  using Numbers = std::array<uint64_t, 2>;
  Call first(5, 64), moved(5, 64), fewer(4, 64), padded(5, 64), large(17, 64);
  moved.tensor(0).data = reinterpret_cast<void *>(0x8000);
  padded.setShape(padded.tensor(0), {5, 128}, {136, 1});
  Call fewHeads(5, 32);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(maps(first), (Numbers{1, 2}));
    EXPECT_EQ(maps(moved), (Numbers{3, 2}));
    EXPECT_EQ(maps(fewer), (Numbers{4, 2}));
    EXPECT_EQ(maps(padded), (Numbers{5, 2}));
    EXPECT_EQ(maps(fewHeads), (Numbers{1, 6}));
    EXPECT_EQ(maps(large), (Numbers{7, 2}));
  }
  EXPECT_EQ(fake.tensorMaps.size(), 7u);
}

// A map that could not be made is not kept.
TEST_F(Launch, TensorMapsThatFailAreMadeAgain) {
  ASSERT_EQ(load(makeTmaHeadGate()), "");
  fake.tensorMapResult = 2;
  EXPECT_NE(launch(Call(5, 64)), "");
  fake.tensorMapResult = 0;
  EXPECT_EQ(launch(Call(5, 64)), "");
  EXPECT_EQ(fake.tensorMaps.size(), 2u);
}

// More operands than maps are kept of, from several threads: every launch has
// the map of its own x.
TEST_F(Launch, ThreadsHaveTheirOwnTensorMaps) {
  ASSERT_EQ(load(makeTmaHeadGate()), "");
  constexpr int threadCount = 4, launchCount = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < threadCount; ++i)
    threads.emplace_back([&, i] {
      Call call(5, 64);
      for (int k = 0; k < launchCount; ++k) {
        // Where q_scale lies tells where x does. Half of the threads have the
        // same operands.
        uintptr_t place = 0x10000 + 0x1000 * (k % 300) + 0x1000000 * (i / 2);
        call.tensor(0).data = reinterpret_cast<void *>(place);
        call.tensor(2).data = reinterpret_cast<void *>(place + 0x800);
        EXPECT_EQ(indexerKernelLaunch(kernel, call.arguments.data(), 4,
                                      call.results.data(), 1, nullptr),
                  INDEXER_OK);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  ASSERT_EQ(fake.launches.size(), size_t(threadCount) * launchCount);
  for (const FakeLaunch &got : fake.launches) {
    uint64_t x, weight;
    uintptr_t scale;
    std::memcpy(&x, got.parameters[0].data(), 8);
    std::memcpy(&weight, got.parameters[1].data(), 8);
    std::memcpy(&scale, got.parameters[2].data(), 8);
    ASSERT_EQ(uintptr_t(fake.tensorMaps.at(x - 1).address), scale - 0x800);
    ASSERT_EQ(uintptr_t(fake.tensorMaps.at(weight - 1).address), 0x2000u);
  }
}

// What no tensor map can say goes to a kernel that takes pointers.
TEST_F(Launch, OperandsWithoutTensorMapGoToTheNextKernel) {
  ASSERT_EQ(load(makeTmaHeadGate()), "");
  auto kernelOf = [&](std::vector<int64_t> strides, uintptr_t address = 0x1000,
                      int64_t tokens = 5) {
    Call call(tokens, 64);
    call.setShape(call.tensor(0), {tokens, 128}, std::move(strides));
    call.tensor(0).data = reinterpret_cast<void *>(address);
    EXPECT_EQ(launch(call), "");
    return fake.launches.back().kernel;
  };
  EXPECT_EQ(kernelOf({128, 1}), "fma");
  EXPECT_EQ(kernelOf({128, 1}, 0x1008), "plain");
  EXPECT_EQ(kernelOf({132, 1}), "plain");
  EXPECT_EQ(kernelOf({4096, 2}), "plain");
  EXPECT_EQ(kernelOf({0, 1}), "plain");
  EXPECT_EQ(kernelOf({-128, 1}), "plain");
  int64_t farthest = (int64_t(1) << 39) - 8;
  EXPECT_EQ(kernelOf({farthest, 1}), "fma");
  EXPECT_EQ(kernelOf({farthest + 8, 1}), "plain");
  // The stride of a single row means nothing.
  EXPECT_EQ(kernelOf({0, 1}, 0x1000, 1), "fma");
  EXPECT_EQ(fake.tensorMaps.back().stride, 272u);
}

TEST_F(Launch, TensorMapErrorsAreReported) {
  ASSERT_EQ(load(makeTmaHeadGate()), "");
  fake.tensorMapResult = 2;
  EXPECT_EQ(launch(Call(5, 64)),
            "cuTensorMapEncodeTiled for operand 0 of kernel 'fma' failed with "
            "CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  EXPECT_TRUE(fake.launches.empty());
}

// T = 15 needs 8 tiles of 2 tokens, 4 more than the grid may have.
TEST_F(Launch, MaxCtasLimitsTheGrid) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[0].maxCtas = 4;
  ASSERT_EQ(load(bundle), "");
  ASSERT_EQ(launch(Call(15, 64)), "");
  EXPECT_EQ(fake.launches.at(0).grid[0], 4u);
  EXPECT_EQ(fake.launches.at(0).grid[1], 8u);
}

// T = 1000, H = 24, tiles of 64x16, heads first: x over heads.
TEST_F(Launch, HeadsFirstSwapsTheGrid) {
  ASSERT_EQ(load(makeHeadGate()), "");
  ASSERT_EQ(launch(Call(1000, 24)), "");
  const FakeLaunch &got = fake.launches.at(0);
  EXPECT_EQ(got.kernel, "plain");
  EXPECT_EQ(got.grid[0], 2u);
  EXPECT_EQ(got.grid[1], 16u);
  EXPECT_EQ(got.cluster[0], 0u);
}

TEST_F(Launch, PicksTheKernelByTokens) {
  ASSERT_EQ(load(makeHeadGate()), "");
  for (int64_t t : {1, 16, 17, 129})
    ASSERT_EQ(launch(Call(t, 64)), "");
  EXPECT_EQ(fake.launches[0].kernel, "fma");
  EXPECT_EQ(fake.launches[1].kernel, "fma");
  EXPECT_EQ(fake.launches[2].kernel, "plain");
  EXPECT_EQ(fake.launches[3].kernel, "plain");
}

namespace {
/// Loads `bundle` when it is asked for.
class LateKernel : public WholeKernel {
public:
  explicit LateKernel(Bundle bundle) : bundle(std::move(bundle)) {}

  IndexerStatus load(const BoundCall &, const IndexerKernel *&kernel) override {
    ++loads;
    if (!error.empty())
      return fail(INDEXER_COMPILE_ERROR, error);
    if (IndexerStatus status = loadKernel(bundle, 0, owned))
      return status;
    set(&owned);
    kernel = &owned;
    return INDEXER_OK;
  }

  std::string error;
  int loads = 0;

private:
  Bundle bundle;
  IndexerKernel owned;
};
} // namespace

// A kernel with some launches of its bundle, as the first call of a program
// loads it: what they serve needs no other.
TEST_F(Launch, CallsThatAPartCannotServeLoadTheWhole) {
  Bundle whole = makeHeadGate();
  Bundle part = whole;
  std::vector<KernelLaunch> &launches = part.kernels[0].launches;
  launches.erase(launches.begin() + 1, launches.end());
  std::string first = launches[0].kernel;
  int64_t past = launches[0].maxTokens + 1;
  ASSERT_EQ(load(part), "");
  auto *late = new LateKernel(whole);
  kernel->whole.reset(late);

  EXPECT_EQ(kernelFor(1), first);
  EXPECT_EQ(late->loads, 0);
  // What went wrong is said at each call that needs it, and at no other.
  late->error = "file:1:1: error: no";
  EXPECT_EQ(kernelFor(past), "file:1:1: error: no");
  EXPECT_EQ(kernelFor(1), first);
  EXPECT_EQ(late->loads, 1);
  late->error.clear();
  EXPECT_EQ(kernelFor(past), whole.kernels[0].launches[1].kernel);
  EXPECT_EQ(kernelFor(past), whole.kernels[0].launches[1].kernel);
  EXPECT_EQ(kernelFor(1), first);
  EXPECT_EQ(late->loads, 2);
  EXPECT_EQ(fake.modules, 2);
}

// Wrong arguments are said at once: no other launch would serve them.
TEST_F(Launch, WrongArgumentsDoNotLoadTheWhole) {
  ASSERT_EQ(load(makeHeadGate()), "");
  auto *late = new LateKernel(makeHeadGate());
  kernel->whole.reset(late);
  Call call(1, 64);
  call.arguments.pop_back();
  EXPECT_NE(launch(call), "");
  EXPECT_EQ(launch(Call(0, 64)), "");
  EXPECT_EQ(late->loads, 0);
}

// A thread that captures a graph may load code in this mode only.
TEST_F(Launch, LoadsWhileAGraphIsCaptured) {
  ASSERT_EQ(load(makeHeadGate()), "");
  EXPECT_EQ(fake.loadedInMode, CuStreamCaptureModeRelaxed);
  EXPECT_EQ(fake.captureMode, 0);
}

TEST_F(Launch, SaysWhichTokensHaveNoKernel) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches.pop_back();
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(launch(Call(17, 64)),
            "the bundle has no kernel of 'head_gate' for T = 17");
  EXPECT_EQ(status, INDEXER_INVALID_ARGUMENT);
}

TEST_F(Launch, EmptyCallsLaunchNothing) {
  ASSERT_EQ(load(makeHeadGate()), "");
  EXPECT_EQ(launch(Call(0, 64)), "");
  EXPECT_EQ(launch(Call(5, 0)), "");
  EXPECT_TRUE(fake.launches.empty());
}

TEST_F(Launch, WrongArgumentsLaunchNothing) {
  ASSERT_EQ(load(makeHeadGate()), "");
  Call call(5, 64);
  call.setShape(call.tensor(2), {5, 63, 1});
  EXPECT_EQ(launch(call),
            "argument 2 ('q_scale') has shape [5, 63, 1], expected [T, H, 1] "
            "with T = 5 (from 'x'), H = 64 (from 'weight')");
  EXPECT_TRUE(fake.launches.empty());
}

TEST_F(Launch, GridLimitsAreChecked) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[1].tileT = 1;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(launch(Call(65535, 16)), "");
  EXPECT_EQ(launch(Call(65536, 16)),
            "kernel 'plain' needs 65536 blocks in grid y for T = 65536, H = "
            "16, accepted are 65535");
  EXPECT_EQ(launch(Call(int64_t(1) << 40, 1)),
            "kernel 'plain' needs 1099511627776 blocks in grid y for T = "
            "1099511627776, H = 1, accepted are 65535");
  EXPECT_EQ(fake.launches.size(), 1u);
}

TEST_F(Launch, SeveralFusedOpsRunInOrder) {
  Bundle bundle = makeHeadGate();
  bundle.results.push_back(bundle.results[0]);
  bundle.kernels.push_back(bundle.kernels[0]);
  bundle.kernels[1].operands[3].argument = 1;
  bundle.kernels[1].launches[0].kernel = "second";
  ASSERT_EQ(load(bundle), "");
  Call call(5, 64);
  call.results.push_back(call.results[0]);
  call.results[1].data = reinterpret_cast<void *>(0xa000);
  ASSERT_EQ(launch(call), "");
  ASSERT_EQ(fake.launches.size(), 2u);
  EXPECT_EQ(fake.launches[0].kernel, "fma");
  EXPECT_EQ(fake.launches[1].kernel, "second");
  expectParameter(fake.launches[0], 3, call.results[0].data);
  expectParameter(fake.launches[1], 3, call.results[1].data);
}

// One launch writes both; the grid has the heads of both.
TEST_F(Launch, OneKernelHasTwoResults) {
  fake.parameterCount = 11;
  ASSERT_EQ(load(makeMergedHeadGate()), "");
  Call call = Call::merged(5);
  ASSERT_EQ(launch(call), "");
  ASSERT_EQ(fake.launches.size(), 1u);
  const FakeLaunch &got = fake.launches[0];
  EXPECT_EQ(got.kernel, "fma");
  EXPECT_EQ(got.grid[1], 24u);
  expectParameter(got, 3, call.results[0].data);
  expectParameter(got, 4, call.results[1].data);
  expectParameter<int64_t>(got, 5, 128);
  expectParameter<int64_t>(got, 6, 64);
  expectParameter<int64_t>(got, 8, 192);
}

TEST_F(Launch, LaunchErrorsAreReported) {
  ASSERT_EQ(load(makeHeadGate()), "");
  fake.launchResult = 701;
  EXPECT_EQ(launch(Call(5, 64)),
            "launching kernel 'fma' failed with "
            "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (too many resources requested "
            "for launch)");
  EXPECT_EQ(status, INDEXER_CUDA_ERROR);
  fake.launchResult = 4321;
  EXPECT_EQ(launch(Call(5, 64)), "launching kernel 'fma' failed with an "
                                 "unknown error (code 4321)");
}

// The context of the caller is current again afterwards, and a context that is
// current already is left alone.
TEST_F(Launch, RestoresTheContext) {
  ASSERT_EQ(load(makeHeadGate()), "");
  int pushes = fake.pushes;
  ASSERT_EQ(launch(Call(5, 64)), "");
  EXPECT_EQ(fake.pushes, pushes + 1);
  std::string error;
  Driver driver;
  ASSERT_TRUE(Driver::open(fakeCudaPath, driver, error)) << error;
  CuContext current = nullptr;
  driver.ctxGetCurrent(&current);
  EXPECT_EQ(current, nullptr);
  driver.ctxPushCurrent(static_cast<CuContext>(fake.launches[0].context));
  ASSERT_EQ(launch(Call(5, 64)), "");
  EXPECT_EQ(fake.pushes, pushes + 2);
  driver.ctxPopCurrent(&current);
  EXPECT_EQ(current, fake.launches[0].context);
}

TEST_F(Launch, DevicesHaveContextsOfTheirOwn) {
  fake.deviceCount = 2;
  ASSERT_EQ(load(makeHeadGate(), 1), "");
  IndexerKernel *first = kernel;
  ASSERT_EQ(launch(Call(5, 64)), "");
  ASSERT_EQ(load(makeHeadGate(), 0), "");
  ASSERT_EQ(launch(Call(5, 64)), "");
  indexerKernelDestroy(first);
  EXPECT_NE(fake.launches[0].context, fake.launches[1].context);
}

TEST_F(Launch, ThreadsShareAKernel) {
  ASSERT_EQ(load(makeHeadGate()), "");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 200; ++k) {
        Call call(i % 2 ? 5 : 500, 64);
        EXPECT_EQ(indexerKernelLaunch(kernel, call.arguments.data(), 4,
                                      call.results.data(), 1, nullptr),
                  INDEXER_OK);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(fake.launches.size(), 800u);
}

TEST_F(Launch, LoadsTheCodeOfTheChip) {
  ASSERT_EQ(load(makeHeadGate()), "");
  EXPECT_EQ(fake.loadedImage, "machine code");
  indexerKernelDestroy(kernel);
  fake.major = 12;
  ASSERT_EQ(load(makeHeadGate()), "");
  EXPECT_EQ(fake.loadedImage, ".version 8.6");
}

TEST_F(Launch, RejectsAnotherChip) {
  Bundle bundle = makeHeadGate();
  bundle.objects = {{"sm_80", "cubin", "", ""}};
  EXPECT_EQ(load(bundle), "the bundle has code for sm_80, device 0 is sm_90a "
                          "(Fake H100)");
  EXPECT_EQ(status, INDEXER_NO_DEVICE);
  bundle.objects.clear();
  EXPECT_EQ(load(bundle),
            "the bundle has no code, device 0 is sm_90a (Fake H100)");
}

// A cubin of each kernel: all are loaded, and each function is found in its
// own.
TEST_F(Launch, LoadsAllCodeObjectsOfTheChip) {
  Bundle bundle = makeHeadGate();
  bundle.objects = {{"sm_90a", "cubin", "code of fma", ""},
                    {"sm_90a", "cubin", "code of plain", ""},
                    {"sm_90a", "ptx", "text of fma, plain", ""}};
  fake.readsImages = true;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(fake.images,
            (std::vector<std::string>{"code of fma", "code of plain"}));
  ASSERT_EQ(launch(Call(5, 64)), "");
  ASSERT_EQ(launch(Call(17, 64)), "");
  EXPECT_EQ(fake.launches.at(0).kernel, "fma");
  EXPECT_EQ(fake.launches.at(1).kernel, "plain");
  indexerKernelDestroy(kernel);
  EXPECT_EQ(fake.modules, 0);
  bundle.objects.erase(bundle.objects.begin() + 1);
  EXPECT_EQ(load(bundle), "cuModuleGetFunction of kernel 'plain' failed with "
                          "CUDA_ERROR_NOT_FOUND (named symbol not found)");
  EXPECT_EQ(fake.modules, 0);
}

TEST_F(Launch, SelectTellsTheKernelsOfACall) {
  ASSERT_EQ(load(makeHeadGate()), "");
  auto select = [&](const Call &call, size_t size = 64) -> std::string {
    char names[64] = "";
    status = indexerKernelSelect(kernel, call.arguments.data(),
                                 call.arguments.size(), call.results.data(),
                                 call.results.size(), names, size);
    return status ? indexerLastError() : names;
  };
  EXPECT_EQ(select(Call(5, 64)), "fma");
  EXPECT_EQ(select(Call(17, 64)), "plain");
  EXPECT_EQ(select(Call(0, 64)), "");
  EXPECT_EQ(select(Call(17, 64), 4), "pla");
  EXPECT_EQ(select(Call(17, 64), 0), "'names' has no room");
  Call wrong(5, 64);
  wrong.setShape(wrong.tensor(0), {5, 64});
  EXPECT_EQ(select(wrong), "argument 0 ('x') has shape [5, 64], expected [T, "
                           "128]");
  EXPECT_TRUE(fake.launches.empty());
}

// The checked mode is on or off for a process: see the death tests.
TEST_F(Launch, PointersAreNotLookedAtByDefault) {
  ASSERT_EQ(load(makeHeadGate()), "");
  EXPECT_EQ(launch(Call(5, 64)), "");
}

TEST_F(Launch, RejectsDevicesThatDoNotExist) {
  EXPECT_EQ(load(makeHeadGate(), 1),
            "device 1 does not exist: this machine has 1 CUDA device");
  EXPECT_EQ(status, INDEXER_NO_DEVICE);
  EXPECT_EQ(load(makeHeadGate(), -1),
            "device -1 does not exist: this machine has 1 CUDA device");
}

TEST_F(Launch, RejectsCodeThatCannotRun) {
  fake.maxThreads = 128;
  EXPECT_EQ(load(makeHeadGate()), "kernel 'fma' is launched with 256 threads, "
                                  "its code accepts at most 128");
}

TEST_F(Launch, ReportsWhatTheDriverSaysAboutPtx) {
  fake.major = 8;
  fake.loadResult = 218;
  fake.jitLog = "ptxas error: line 7\nmore";
  EXPECT_EQ(load(makeHeadGate()),
            "loading the ptx for sm_80 on device 0 (sm_80) (ptxas error: line "
            "7) failed with CUDA_ERROR_INVALID_PTX (a PTX JIT compilation "
            "failed)");
  EXPECT_EQ(status, INDEXER_CUDA_ERROR);
}

// T and the strides reach the kernel as 64-bit numbers.
TEST_F(Launch, TokensBeyond32BitsAreKept) {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches[1].tileT = int64_t(1) << 20;
  ASSERT_EQ(load(bundle), "");
  int64_t t = (int64_t(1) << 33) + 1;
  ASSERT_EQ(launch(Call(t, 16)), "");
  EXPECT_EQ(fake.launches[0].grid[1], 8193u);
  expectParameter(fake.launches[0], 7, t);
}

TEST_F(Launch, DeviceMemoryRunsOut) {
  fake.loadResult = 2;
  EXPECT_EQ(load(makeHeadGate()),
            "loading the cubin for sm_90a on device 0 (sm_90a) failed with "
            "CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  EXPECT_EQ(status, INDEXER_OUT_OF_MEMORY);
  EXPECT_EQ(kernel, nullptr);
  EXPECT_EQ(fake.contextReferences, 0);
  fake.loadResult = 0;
  ASSERT_EQ(load(makeHeadGate()), "");
  fake.launchResult = 2;
  EXPECT_EQ(launch(Call(5, 64)), "launching kernel 'fma' failed with "
                                 "CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  EXPECT_EQ(status, INDEXER_OUT_OF_MEMORY);
  // The kernel is as good as before.
  fake.launchResult = 0;
  EXPECT_EQ(launch(Call(5, 64)), "");
}

TEST_F(Launch, TimesTheMeanOfManyLaunches) {
  ASSERT_EQ(load(makeHeadGate()), "");
  Call call(5, 64);
  double microseconds = 0;
  ASSERT_EQ(indexerKernelTime(kernel, call.arguments.data(), 4,
                              call.results.data(), 1, 10, &microseconds),
            INDEXER_OK);
  EXPECT_EQ(fake.launches.size(), 11u); // One to warm up.
  EXPECT_EQ(microseconds, 200);         // The fake driver says 2 ms.
  EXPECT_EQ(indexerKernelTime(kernel, call.arguments.data(), 4,
                              call.results.data(), 1, 0, &microseconds),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'launches' is 0, expected at least 1");
}

TEST_F(Launch, NullPointersAreRejected) {
  EXPECT_EQ(indexerKernelLaunch(nullptr, nullptr, 0, nullptr, 0, nullptr),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'kernel' is null");
  EXPECT_EQ(indexerKernelLoad(nullptr, 0, &kernel), INDEXER_INVALID_ARGUMENT);
  EXPECT_STREQ(indexerLastError(), "'bundle' is null");
}
