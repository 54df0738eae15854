//===- LoadProgramTest.cpp - What the first call of a program waits for ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On the fake driver: which kernels a call takes, and when they are there.
//
//===----------------------------------------------------------------------===//

#include "../Runtime/FakeDriver.h"

#include "indexer/Compiler/BackgroundKernel.h"
#include "indexer/Compiler/LoadProgram.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Kernel.h"
#include "indexer/Target/Assembler.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <future>
#include <sys/wait.h>
#include <thread>

using namespace indexer;
using ::testing::HasSubstr;

namespace {

/// 16 heads, 512 hidden, any number of tokens.
constexpr char text[] = R"(
func.func @gate(%x: tensor<?x512xbf16>, %weight: tensor<16x512xbf16>)
    -> tensor<?x16xf32> {
  %dim = arith.constant 0 : index
  %tokens = tensor.dim %x, %dim : tensor<?x512xbf16>
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.5 : f32
  %empty = tensor.empty(%tokens) : tensor<?x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x16xf32>)
      -> tensor<?x16xf32>
  %logits = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %weight : tensor<?x512xbf16>, tensor<16x512xbf16>)
      outs(%zeros : tensor<?x16xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %left = arith.extf %a : bf16 to f32
    %right = arith.extf %b : bf16 to f32
    %product = arith.mulf %left, %right : f32
    %next = arith.addf %sum, %product : f32
    linalg.yield %next : f32
  } -> tensor<?x16xf32>
  %gate = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%logits : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%value: f32, %old: f32):
    %scaled = arith.mulf %value, %scale : f32
    linalg.yield %scaled : f32
  } -> tensor<?x16xf32>
  return %gate : tensor<?x16xf32>
})";

/// A call with `tokens` tokens; only the addresses of its memory matter.
class GateCall {
public:
  explicit GateCall(int64_t tokens, uintptr_t x = 4096)
      : shapes{{tokens, 512}, {16, 512}, {tokens, 16}} {
    uintptr_t addresses[] = {x, 8192, 16384};
    for (int i = 0; i < 3; ++i) {
      IndexerTensor tensor = {};
      tensor.data = reinterpret_cast<void *>(addresses[i]);
      tensor.type = i < 2 ? INDEXER_BF16 : INDEXER_F32;
      tensor.rank = 2;
      tensor.shape = shapes[i];
      if (i == 2)
        result = tensor;
      else
        arguments[i] = {1, tensor, 0};
    }
  }
  GateCall(const GateCall &) = delete;

  /// The arguments as a program takes them.
  std::vector<ProgramArgument> views(mlir::MLIRContext &context) const {
    std::vector<ProgramArgument> views(2);
    for (int i = 0; i < 2; ++i) {
      views[i].isTensor = true;
      views[i].data = arguments[i].tensor.data;
      views[i].elementType = mlir::BFloat16Type::get(&context);
      views[i].shape = llvm::ArrayRef(shapes[i], 2);
    }
    return views;
  }

  int64_t shapes[3][2];
  IndexerArgument arguments[2] = {};
  IndexerTensor result = {};
};

class LoadProgramTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::SmallVector<std::string> lookedAt;
    if (!findAssembler("", 86, lookedAt))
      GTEST_SKIP() << "no assembler";
    fake = FakeCudaState();
    root = "/tmp/indexer-load-XXXXXX";
    ASSERT_TRUE(mkdtemp(root.data()));
    setenv("INDEXER_CACHE_DIR", root.c_str(), /*overwrite=*/1);
    program = create();
  }
  void TearDown() override {
    indexerKernelDestroy(kernel);
    // Its thread reads the environment and writes to the folder.
    if (program)
      llvm::consumeError(program->bundle().takeError());
    program.reset();
    (void)llvm::sys::fs::remove_directories(root);
    unsetenv("INDEXER_CACHE_DIR");
  }

  std::unique_ptr<Program> create(const ProgramOptions &options = {}) {
    auto created = Program::create(text, "gate.mlir", options);
    EXPECT_TRUE(bool(created));
    return std::move(*created);
  }

  /// Loads `program` for a first call like `call`; the error, or "".
  std::string load(const GateCall &call) {
    return loadProgram(*program, 0, call.views(program->context()), kernel)
               ? indexerLastError()
               : "";
  }
  /// Loads `program` for a first call like `call`, with `bundle` in place of
  /// the thread's.
  void load(const GateCall &call, std::shared_ptr<BackgroundBundle> bundle) {
    auto part = program->firstBundle(call.views(program->context()));
    ASSERT_TRUE(part && *part);
    kernel = new IndexerKernel();
    ASSERT_EQ(runtime::loadKernel(**part, 0, *kernel), INDEXER_OK);
    kernel->whole =
        std::make_unique<BackgroundKernel>(*program, std::move(bundle), 0);
  }
  /// The kernel that `from` takes for `call`, or the error.
  std::string kernelFor(const GateCall &call, IndexerKernel *from) {
    char names[256] = "";
    return indexerKernelSelect(from, call.arguments, 2, &call.result, 1, names,
                               sizeof names)
               ? indexerLastError()
               : names;
  }
  /// Launches that are loaded before any others are needed.
  size_t launchCount() const {
    return kernel->bundle.kernels[0].launches.size();
  }
  bool isWholeLoaded() const {
    return kernel->whole && kernel->whole->loaded();
  }

  FakeCudaState &fake = useFakeCuda();
  std::string root;
  std::unique_ptr<Program> program;
  IndexerKernel *kernel = nullptr;
};

} // namespace

// The same T, first of all or among all others, is the same kernel.
TEST_F(LoadProgramTest, aPartServesWhatItServesAmongAll) {
  std::unique_ptr<Program> other = create();
  auto bytes = other->bundle();
  ASSERT_TRUE(bool(bytes));
  runtime::Bundle all;
  std::string error;
  ASSERT_TRUE(runtime::deserialize(bytes->data(), bytes->size(), all, error));
  for (int64_t tokens : {1, 64, 65, 100, 241, 5000, 100000}) {
    GateCall call(tokens);
    auto part = other->firstBundle(call.views(other->context()));
    ASSERT_TRUE(part && *part);
    ASSERT_EQ((*part)->kernels[0].launches.size(), 1u);
    const runtime::KernelLaunch &launch = (*part)->kernels[0].launches[0];
    auto same = llvm::find_if(
        all.kernels[0].launches, [&](const runtime::KernelLaunch &candidate) {
          return candidate.minTokens == launch.minTokens &&
                 candidate.alignment == launch.alignment;
        });
    ASSERT_NE(same, all.kernels[0].launches.end()) << tokens;
    EXPECT_LE(launch.minTokens, tokens);
    EXPECT_GE(launch.maxTokens, tokens);
    EXPECT_EQ(same->maxTokens, launch.maxTokens);
    EXPECT_EQ(same->kernel, launch.kernel);
    EXPECT_EQ(same->order, launch.order);
    // Its PTX is the whole's, word for word, behind the header.
    llvm::StringRef mine = (*part)->objects.back().bytes;
    llvm::StringRef whole = all.objects.back().bytes;
    llvm::StringRef header = ".address_size 64\n";
    mine = mine.split(header).second.trim();
    EXPECT_FALSE(mine.empty());
    EXPECT_TRUE(whole.contains(mine)) << launch.kernel;
  }
}

TEST_F(LoadProgramTest, aCallWaitsOnlyForWhatItNeeds) {
  GateCall first(5), second(300);
  ASSERT_EQ(load(first), "");
  EXPECT_EQ(launchCount(), 1u);
  EXPECT_EQ(kernelFor(first, kernel), "gate_gate0_register_mma");
  EXPECT_FALSE(isWholeLoaded());
  ASSERT_NE(program->bundleInBackground()->wait(), nullptr);
  EXPECT_EQ(kernelFor(second, kernel), "gate_gate0_cp_async_wgmma2");
  EXPECT_TRUE(isWholeLoaded());
  EXPECT_EQ(kernelFor(first, kernel), "gate_gate0_register_mma");
}

// While the thread compiles, each call that needs a new kernel makes that one,
// as the first did, and no kernel is made twice.
TEST_F(LoadProgramTest, laterCallsMakeTheirOwnKernels) {
  std::promise<void> release;
  auto held = BackgroundBundle::start(
      [this, wait = std::make_shared<std::future<void>>(release.get_future())] {
        wait->get();
        BackgroundBundle::Outcome outcome;
        outcome.bytes = llvm::cantFail(create()->bundle()).str();
        return outcome;
      });
  GateCall first(5), second(300), odd(300, 4098);
  load(first, held);
  program.reset();
  EXPECT_EQ(fake.modules, 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(kernelFor(second, kernel), "gate_gate0_cp_async_wgmma2");
    EXPECT_EQ(kernelFor(first, kernel), "gate_gate0_register_mma");
    EXPECT_EQ(fake.modules, 2);
  }
  std::string plain = kernelFor(odd, kernel);
  EXPECT_THAT(plain, HasSubstr("gate_gate0_plain"));
  int modules = fake.modules;
  EXPECT_GT(modules, 2);
  EXPECT_EQ(kernelFor(odd, kernel), plain);
  EXPECT_EQ(kernelFor(second, kernel), "gate_gate0_cp_async_wgmma2");
  EXPECT_EQ(fake.modules, modules);
  EXPECT_FALSE(isWholeLoaded());
  release.set_value();
  ASSERT_NE(held->wait(), nullptr);
  EXPECT_EQ(kernelFor(second, kernel), "gate_gate0_cp_async_wgmma2");
  EXPECT_TRUE(isWholeLoaded());
  EXPECT_EQ(kernelFor(odd, kernel), plain);
  EXPECT_EQ(fake.modules, modules + 1);
}

// A call whose kernel cannot be made is told what the thread has to say.
TEST_F(LoadProgramTest, errorsOfLaterKernelsAreTheThreads) {
  GateCall first(5), second(300);
  auto failing = BackgroundBundle::start([] {
    BackgroundBundle::Outcome outcome;
    outcome.error = "file:1:1: error: no";
    return outcome;
  });
  load(first, failing);
  ProgramOptions broken;
  broken.ptxas = "/bin/false";
  kernel->whole =
      std::make_unique<BackgroundKernel>(*create(broken), failing, 0);
  EXPECT_EQ(kernelFor(second, kernel), "file:1:1: error: no");
  EXPECT_EQ(kernelFor(first, kernel), "gate_gate0_register_mma");
}

// x at an odd address has no kernel with conditions, and must not give a later
// call, which has one, another.
TEST_F(LoadProgramTest, anyLayoutComesWithTheOtherKernel) {
  GateCall odd(5, 4098), even(5);
  ASSERT_EQ(load(odd), "");
  EXPECT_EQ(launchCount(), 2u);
  EXPECT_EQ(kernelFor(odd, kernel), "gate_gate0_plain1");
  EXPECT_EQ(kernelFor(even, kernel), "gate_gate0_register_mma");
  EXPECT_FALSE(isWholeLoaded());
}

TEST_F(LoadProgramTest, threadsShareTheWait) {
  GateCall first(5), second(300);
  ASSERT_EQ(load(first), "");
  std::vector<std::string> names(8);
  std::vector<std::thread> threads;
  for (std::string &name : names)
    threads.emplace_back([&] { name = kernelFor(second, kernel); });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &name : names)
    EXPECT_EQ(name, "gate_gate0_cp_async_wgmma2");
  EXPECT_EQ(fake.modules, 2);
}

// What the thread puts into the cache is what is shipped, and the next process
// compiles nothing.
TEST_F(LoadProgramTest, theWholeBundleIsKept) {
  ASSERT_EQ(load(GateCall(5)), "");
  auto bytes = program->bundle();
  ASSERT_TRUE(bool(bytes));
  EXPECT_EQ(program->cacheUse(), "miss");
  ProgramOptions uncached;
  uncached.useCache = false;
  std::unique_ptr<Program> other = create(uncached);
  auto shipped = other->bundle();
  ASSERT_TRUE(bool(shipped));
  EXPECT_TRUE(*bytes == *shipped);

  indexerKernelDestroy(kernel);
  program = create();
  ASSERT_EQ(load(GateCall(5)), "");
  EXPECT_EQ(program->cacheUse(), "hit");
  EXPECT_EQ(kernel->whole, nullptr);
}

// A kernel that nobody wants any more is destroyed at once; the thread still
// fills the cache.
TEST_F(LoadProgramTest, destroyingDoesNotWait) {
  ASSERT_EQ(load(GateCall(5)), "");
  auto background = program->bundleInBackground();
  indexerKernelDestroy(kernel);
  kernel = nullptr;
  program.reset();
  ASSERT_NE(background->wait(), nullptr);
  EXPECT_EQ(background->wait()->error, "");
  EXPECT_EQ(background->wait()->cacheUse, "miss");
  EXPECT_EQ(fake.modules, 0);
}

// A child has no thread that compiles: it says so, and does not hang, also not
// at its end.
TEST_F(LoadProgramTest, aForkedChildDoesNotHang) {
  GateCall first(5), second(300);
  ASSERT_EQ(load(first), "");
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    bool says = kernelFor(second, kernel).find("forked") != std::string::npos;
    bool compiles = bool(program->bundle());
    std::exit(says && compiles && !kernelFor(first, kernel).empty() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// No part is known for no tokens: the call waits for all.
TEST_F(LoadProgramTest, emptyCallsLoadTheWhole) {
  ASSERT_EQ(load(GateCall(0)), "");
  EXPECT_EQ(kernel->whole, nullptr);
  EXPECT_EQ(kernelFor(GateCall(0), kernel), "");
}

// A cluster that the device has no room for runs as a neighbour among all.
TEST_F(LoadProgramTest, aPartThatDoesNotFitIsNotUsed) {
  fake.maxCluster = 1;
  ASSERT_EQ(load(GateCall(5)), "");
  EXPECT_EQ(kernel->whole, nullptr);
  EXPECT_THAT(kernel->notes, HasSubstr("has no room for one"));
}

TEST_F(LoadProgramTest, errorsOfTheAssemblerAreSaid) {
  ProgramOptions options;
  options.ptxas = "/bin/false";
  program = create(options);
  EXPECT_THAT(load(GateCall(5)), HasSubstr("ptxas"));
  EXPECT_EQ(kernel, nullptr);
}
