//===- Program.cpp - Bound class of a compiled program ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Errors.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace indexer::python;

Program::Program(nb::bytes text, const std::string &name,
                 const std::optional<std::string> &chip,
                 const std::optional<std::string> &entry,
                 const std::optional<std::string> &ptxas,
                 const std::string &weights, bool batchInvariant,
                 int64_t smBudget)
    : compiler(Compiler::get()) {
  IndexerCompileOptions options = {};
  options.chip = chip ? chip->c_str() : nullptr;
  options.entry = entry ? entry->c_str() : nullptr;
  options.ptxas = ptxas ? ptxas->c_str() : nullptr;
  options.weights = weights.c_str();
  options.batch_invariant = batchInvariant;
  options.sm_budget = smBudget;
  locked(
      [&] {
        return compiler.indexerCompile(text.c_str(), text.size(), name.c_str(),
                                       &options, &program);
      },
      "");
}

template <typename Body>
void Program::locked(Body body, const std::string &entry) {
  IndexerStatus status;
  {
    // In this order: a thread that waited for the program while it held the
    // GIL would stop the one that has the program and wants the GIL.
    nb::gil_scoped_release release;
    std::lock_guard<std::mutex> lock(mutex);
    status = body();
  }
  check(status, entry, compiler.indexerLastError);
}

nb::str Program::artifact(const std::string &stage) {
  const char *text = nullptr; // Lives as long as the program.
  locked(
      [&] {
        return compiler.indexerProgramArtifact(program, stage.c_str(), &text);
      },
      "");
  return toPython(text);
}

/// Copies the text that `status` says is in `text`: the next call may change
/// it.
static IndexerStatus copyText(IndexerStatus status, const char *text,
                              std::string &copy) {
  if (status == INDEXER_OK)
    copy = text;
  return status;
}

nb::str Program::describe() {
  std::string json;
  locked(
      [&] {
        const char *text = nullptr;
        IndexerStatus status = compiler.indexerProgramDescribe(program, &text);
        return copyText(status, text, json);
      },
      "");
  return toPython(json);
}

nb::str Program::remarks() {
  std::string json;
  locked(
      [&] {
        const char *text = nullptr;
        IndexerStatus status = compiler.indexerProgramRemarks(program, &text);
        return copyText(status, text, json);
      },
      "");
  return toPython(json);
}

nb::bytes Program::bundle() {
  const void *data = nullptr; // Lives as long as the program.
  size_t size = 0;
  locked([&] { return compiler.indexerProgramBundle(program, &data, &size); },
         "");
  return nb::bytes(data, size);
}

nb::bytes Program::bundleFor(const std::vector<std::string> &chips) {
  std::vector<const char *> names;
  for (const std::string &chip : chips)
    names.push_back(chip.c_str());
  const void *data = nullptr; // Lives as long as the program.
  size_t size = 0;
  locked(
      [&] {
        return compiler.indexerProgramBundleFor(program, names.data(),
                                                names.size(), &data, &size);
      },
      "");
  return nb::bytes(data, size);
}

IndexerKernel *Program::load(const Arguments &arguments, int device) {
  IndexerKernel *kernel = nullptr;
  locked(
      [&] {
        return compiler.indexerProgramLoad(
            program, device, arguments.arguments(), arguments.size(), &kernel);
      },
      "");
  return kernel;
}

nb::list Program::resultShapes(const Arguments &arguments,
                               const std::vector<size_t> &ranks) {
  std::vector<std::vector<int64_t>> shapes;
  std::vector<int64_t *> pointers;
  for (size_t rank : ranks)
    shapes.emplace_back(rank);
  for (std::vector<int64_t> &shape : shapes)
    pointers.push_back(shape.data());
  locked(
      [&] {
        return compiler.indexerProgramResultShapes(
            program, arguments.arguments(), arguments.size(), pointers.data(),
            pointers.size());
      },
      arguments.entryName());
  nb::list results;
  for (const std::vector<int64_t> &shape : shapes) {
    nb::list extents;
    for (int64_t extent : shape)
      extents.append(extent);
    results.append(nb::tuple(extents));
  }
  return results;
}

void Program::runCpu(const Arguments &arguments, const Arguments &results) {
  locked(
      [&] {
        return compiler.indexerProgramRunCpu(program, arguments.arguments(),
                                             arguments.size(),
                                             results.tensors(), results.size());
      },
      arguments.entryName());
}

/// Data of the arrays, which are float64 and contiguous.
static std::vector<double *> pointersOf(const Arguments &arrays) {
  std::vector<double *> pointers;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const IndexerTensor &tensor = arrays.tensors()[i];
    if (tensor.type != INDEXER_F64 || tensor.strides)
      raise(PyExc_TypeError, "the arrays are not contiguous float64");
    pointers.push_back(static_cast<double *>(tensor.data));
  }
  return pointers;
}

void Program::reference(const Arguments &arguments, const Arguments &values,
                        const Arguments &bounds, int threads) {
  std::vector<double *> valuePointers = pointersOf(values);
  std::vector<double *> boundPointers = pointersOf(bounds);
  if (valuePointers.size() != boundPointers.size())
    raise(PyExc_TypeError, "there are not as many values as bounds");
  locked(
      [&] {
        return compiler.indexerProgramReference(
            program, arguments.arguments(), arguments.size(),
            valuePointers.data(), boundPointers.data(), valuePointers.size(),
            threads);
      },
      arguments.entryName());
}

void indexer::python::bindProgram(nb::module_ &module) {
  nb::class_<Program>(module, "Program",
                      "One module and everything made of it. Thread-safe.")
      .def(nb::init<nb::bytes, const std::string &,
                    const std::optional<std::string> &,
                    const std::optional<std::string> &,
                    const std::optional<std::string> &, const std::string &,
                    bool, int64_t>(),
           nb::arg("text"), nb::arg("name"), nb::arg("chip").none(),
           nb::arg("entry").none(), nb::arg("ptxas").none(), nb::arg("weights"),
           nb::arg("batch_invariant"), nb::arg("sm_budget"),
           "Parses and verifies MLIR text in UTF-8.")
      .def("artifact", &Program::artifact, nb::arg("stage"),
           "The text of one artefact.")
      .def("describe", &Program::describe,
           "JSON: entry, arguments, results, timings.")
      .def("remarks", &Program::remarks, "JSON: the remarks so far.")
      .def("bundle", &Program::bundle, "The bundle's bytes.")
      .def("bundle_for", &Program::bundleFor, nb::arg("chips"),
           "The bytes of one bundle for several chips.")
      .def("result_shapes", &Program::resultShapes, nb::arg("arguments"),
           nb::arg("ranks"),
           nb::sig("def result_shapes(self, arguments: Arguments, ranks: "
                   "collections.abc.Sequence[int]) -> list[tuple[int, ...]]"),
           "Shapes of the results for these arguments.")
      .def("run_cpu", &Program::runCpu, nb::arg("arguments"),
           nb::arg("results"), "Runs the entry on the CPU.")
      .def("reference", &Program::reference, nb::arg("arguments"),
           nb::arg("values"), nb::arg("bounds"), nb::arg("threads"),
           "Interprets the input IR in float64.");

  module.def(
      "describe_cache",
      [] {
        const Compiler &compiler = Compiler::get();
        const char *json = nullptr;
        check(compiler.indexerCacheDescribe(&json), "",
              compiler.indexerLastError);
        return toPython(json);
      },
      "JSON: the folder of the compiled bundles, and what is in it.");
  module.def(
      "clear_cache",
      [] {
        const Compiler &compiler = Compiler::get();
        size_t removed = 0;
        check(compiler.indexerCacheClear(&removed), "",
              compiler.indexerLastError);
        return removed;
      },
      "Removes all compiled bundles; returns the number of files.");
}
