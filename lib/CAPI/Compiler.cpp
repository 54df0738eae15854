//===- Compiler.cpp - C API of the compiler -------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer-c/Compiler.h"

#include "indexer/Compiler/LoadProgram.h"
#include "indexer/Compiler/Program.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/LastError.h"
#include "indexer/Target/KernelBundle.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace indexer;
using indexer::runtime::fail;
using indexer::runtime::guarded;

struct IndexerProgram {
  std::unique_ptr<Program> program;
  /// Texts handed out, which live as long as the program.
  std::string description, remarks;
};

/// Fails with the text of `error`.
static IndexerStatus failWith(llvm::Error error,
                              IndexerStatus status = INDEXER_COMPILE_ERROR) {
  return fail(status, llvm::toString(std::move(error)));
}

static Type typeOf(MLIRContext &context, IndexerType type) {
  Builder builder(&context);
  switch (type) {
  case INDEXER_BF16:
    return builder.getBF16Type();
  case INDEXER_F16:
    return builder.getF16Type();
  case INDEXER_F32:
    return builder.getF32Type();
  case INDEXER_F64:
    return builder.getF64Type();
  }
  return {};
}

/// Views the caller's tensor, or says what is wrong with it.
static llvm::Expected<ProgramArgument> viewTensor(Program &program,
                                                  const IndexerTensor &tensor,
                                                  const char *what,
                                                  size_t number) {
  ProgramArgument view;
  view.isTensor = true;
  view.data = tensor.data;
  view.elementType = typeOf(program.context(), tensor.type);
  if (!view.elementType)
    return llvm::createStringError("%s %zu has an unknown element type (%d)",
                                   what, number, static_cast<int>(tensor.type));
  if (tensor.rank < 0 || (tensor.rank > 0 && !tensor.shape))
    return llvm::createStringError("%s %zu has no shape", what, number);
  view.shape = ArrayRef(tensor.shape, tensor.rank);
  if (tensor.strides)
    view.strides = ArrayRef(tensor.strides, tensor.rank);
  if (!tensor.data && !llvm::is_contained(view.shape, 0))
    return llvm::createStringError("%s %zu is a null pointer", what, number);
  return view;
}

static llvm::Expected<SmallVector<ProgramArgument, 0>>
viewArguments(Program &program, const IndexerArgument *arguments,
              size_t count) {
  SmallVector<ProgramArgument, 0> views;
  for (size_t i = 0; i < count; ++i) {
    if (!arguments[i].is_tensor) {
      ProgramArgument scalar;
      scalar.scalar = arguments[i].scalar;
      views.push_back(scalar);
      continue;
    }
    auto view = viewTensor(program, arguments[i].tensor, "argument", i);
    if (!view)
      return view.takeError();
    views.push_back(*view);
  }
  return views;
}

IndexerStatus indexerCompile(const char *text, size_t size, const char *name,
                             const IndexerCompileOptions *options,
                             IndexerProgram **program) {
  return guarded([&] {
    ProgramOptions chosen;
    if (options && options->chip)
      chosen.chip = options->chip;
    if (options && options->entry)
      chosen.entry = options->entry;
    if (options && options->ptxas)
      chosen.ptxas = options->ptxas;
    if (options && options->weights)
      chosen.weights = options->weights;
    if (options) {
      chosen.batchInvariant = options->batch_invariant != 0;
      chosen.smBudget = options->sm_budget;
    }
    auto created =
        Program::create(StringRef(text, size), name ? name : "input", chosen);
    if (!created)
      return failWith(created.takeError());
    *program = new IndexerProgram{std::move(*created), {}, {}};
    return INDEXER_OK;
  });
}

void indexerProgramDestroy(IndexerProgram *program) { delete program; }

IndexerStatus indexerProgramArtifact(IndexerProgram *program, const char *stage,
                                     const char **text) {
  return guarded([&] {
    auto artifact = program->program->artifact(stage);
    if (!artifact)
      return failWith(artifact.takeError());
    *text = artifact->data(); // The program's own string, null-terminated.
    return INDEXER_OK;
  });
}

/// {"name", "type", "shape"} of an argument or result.
static llvm::json::Object describeValue(std::string name, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::string element;
  llvm::raw_string_ostream(element)
      << (tensor ? tensor.getElementType() : type);
  llvm::json::Object value{{"name", std::move(name)}, {"type", element}};
  if (tensor) {
    llvm::json::Array shape;
    for (int64_t extent : tensor.getShape())
      shape.push_back(ShapedType::isDynamic(extent)
                          ? llvm::json::Value(nullptr)
                          : llvm::json::Value(extent));
    value["shape"] = std::move(shape);
  }
  return value;
}

IndexerStatus indexerProgramDescribe(IndexerProgram *program,
                                     const char **json) {
  return guarded([&] {
    auto fused = program->program->fusedCount();
    if (!fused)
      return failWith(fused.takeError());
    func::FuncOp entry = program->program->entry();
    llvm::json::Array arguments, results;
    for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
      arguments.push_back(describeValue(argumentName(entry, i), type));
    for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
      results.push_back(
          describeValue(llvm::formatv("result{0}", i).str(), type));
    llvm::json::Object milliseconds;
    llvm::json::Array stages;
    for (auto &[stage, elapsed] : program->program->timings()) {
      milliseconds[stage] = elapsed;
      stages.push_back(stage);
    }
    llvm::json::Value cache = nullptr;
    if (StringRef use = program->program->cacheUse(); !use.empty())
      cache = use;
    llvm::json::Object description{
        {"entry", entry.getName().str()},
        {"arguments", std::move(arguments)},
        {"results", std::move(results)},
        {"fused", *fused},
        {"stages", std::move(stages)},
        {"milliseconds", std::move(milliseconds)},
        {"cache", std::move(cache)},
        {"warnings", llvm::json::Array(program->program->warnings())}};
    program->description =
        llvm::formatv("{0}", llvm::json::Value(std::move(description))).str();
    *json = program->description.c_str();
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramRemarks(IndexerProgram *program,
                                    const char **json) {
  return guarded([&] {
    auto fused = program->program->fusedCount();
    if (!fused)
      return failWith(fused.takeError());
    llvm::json::Array remarks;
    for (const ProgramRemark &remark : program->program->remarks())
      remarks.push_back(llvm::json::Object{{"kind", remark.kind},
                                           {"pass", remark.pass},
                                           {"category", remark.category},
                                           {"location", remark.location},
                                           {"text", remark.text}});
    program->remarks =
        llvm::formatv("{0}", llvm::json::Value(std::move(remarks))).str();
    *json = program->remarks.c_str();
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramBundle(IndexerProgram *program, const void **data,
                                   size_t *size) {
  return guarded([&] {
    auto bundle = program->program->bundle();
    if (!bundle)
      return failWith(bundle.takeError());
    *data = bundle->data();
    *size = bundle->size();
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramUseCache(IndexerProgram *program, int use) {
  return guarded([&] {
    program->program->useCache(use != 0);
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramBundleFor(IndexerProgram *program,
                                      const char *const *chips,
                                      size_t num_chips, const void **data,
                                      size_t *size) {
  return guarded([&] {
    SmallVector<StringRef> names(chips, chips + num_chips);
    auto bundle = program->program->bundleFor(names);
    if (!bundle)
      return failWith(bundle.takeError());
    *data = bundle->data();
    *size = bundle->size();
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramResultShapes(IndexerProgram *program,
                                         const IndexerArgument *arguments,
                                         size_t num_arguments,
                                         int64_t *const *shapes,
                                         size_t num_results) {
  return guarded([&] {
    auto views = viewArguments(*program->program, arguments, num_arguments);
    if (!views)
      return failWith(views.takeError(), INDEXER_INVALID_ARGUMENT);
    auto results = program->program->resultShapes(*views);
    if (!results)
      return failWith(results.takeError(), INDEXER_INVALID_ARGUMENT);
    if (results->size() != num_results)
      return fail(INDEXER_INVALID_ARGUMENT,
                  llvm::formatv("the entry has {0} results, got room for {1}",
                                results->size(), num_results));
    for (size_t i = 0; i < num_results; ++i)
      llvm::copy((*results)[i], shapes[i]);
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramLoad(IndexerProgram *program, int device,
                                 const IndexerArgument *arguments,
                                 size_t num_arguments, IndexerKernel **kernel) {
  return guarded([&] {
    *kernel = nullptr;
    auto views = viewArguments(*program->program, arguments, num_arguments);
    if (!views)
      return failWith(views.takeError(), INDEXER_INVALID_ARGUMENT);
    return loadProgram(*program->program, device, *views, *kernel);
  });
}

IndexerStatus indexerProgramRunCpu(IndexerProgram *program,
                                   const IndexerArgument *arguments,
                                   size_t num_arguments,
                                   const IndexerTensor *results,
                                   size_t num_results) {
  return guarded([&] {
    auto views = viewArguments(*program->program, arguments, num_arguments);
    if (!views)
      return failWith(views.takeError(), INDEXER_INVALID_ARGUMENT);
    SmallVector<ProgramArgument, 0> outputs;
    for (size_t i = 0; i < num_results; ++i) {
      auto view = viewTensor(*program->program, results[i], "result", i);
      if (!view)
        return failWith(view.takeError(), INDEXER_INVALID_ARGUMENT);
      outputs.push_back(*view);
    }
    if (llvm::Error error = program->program->runOnCpu(*views, outputs))
      return failWith(std::move(error), INDEXER_INVALID_ARGUMENT);
    return INDEXER_OK;
  });
}

IndexerStatus indexerProgramReference(IndexerProgram *program,
                                      const IndexerArgument *arguments,
                                      size_t num_arguments,
                                      double *const *values,
                                      double *const *bounds, size_t num_results,
                                      int threads) {
  return guarded([&] {
    auto views = viewArguments(*program->program, arguments, num_arguments);
    if (!views)
      return failWith(views.takeError(), INDEXER_INVALID_ARGUMENT);
    auto results = program->program->reference(*views, threads);
    if (!results)
      return failWith(results.takeError(), INDEXER_INVALID_ARGUMENT);
    if (results->size() != num_results)
      return fail(INDEXER_INVALID_ARGUMENT,
                  llvm::formatv("the entry has {0} results, got room for {1}",
                                results->size(), num_results));
    for (size_t i = 0; i < num_results; ++i) {
      llvm::copy((*results)[i].values, values[i]);
      llvm::copy((*results)[i].bounds, bounds[i]);
    }
    return INDEXER_OK;
  });
}
