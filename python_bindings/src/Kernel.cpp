//===- Kernel.cpp - Bound class of code on a device ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel.h"

#include "Errors.h"

namespace nb = nanobind;
using namespace indexer::python;

Kernel::Kernel(const Bundle &bundle, int device) {
  IndexerStatus status;
  {
    nb::gil_scoped_release release;
    status = indexerKernelLoad(bundle.get(), device, &kernel);
  }
  check(status);
}

Kernel::Kernel(Program &program, const Arguments &arguments, int device)
    : kernel(program.load(arguments, device)) {
  const Compiler &library = program.library();
  functions = {library.indexerKernelDescribe, library.indexerKernelDestroy,
               library.indexerKernelLaunch, library.indexerKernelNotes,
               library.indexerLastError};
}

void Kernel::launch(const Arguments &arguments, const Arguments &results,
                    uintptr_t stream) const {
  launch(arguments.arguments(), arguments.size(), results.tensors(),
         results.size(), reinterpret_cast<void *>(stream),
         arguments.entryName());
}

void Kernel::launch(const IndexerArgument *arguments, size_t numArguments,
                    const IndexerTensor *results, size_t numResults,
                    void *stream, const std::string &entry) const {
  IndexerStatus status;
  {
    nb::gil_scoped_release release;
    status = functions.launch(kernel, arguments, numArguments, results,
                              numResults, stream);
  }
  check(status, entry, functions.lastError);
}

void indexer::python::bindKernel(nb::module_ &module) {
  nb::class_<Kernel>(module, "Kernel",
                     "A bundle's code on one CUDA device. Thread-safe.")
      .def(nb::init<const Bundle &, int>(), nb::arg("bundle"),
           nb::arg("device"), "Loads the code of a bundle on a CUDA device.")
      .def(nb::init<Program &, const Arguments &, int>(), nb::arg("program"),
           nb::arg("arguments"), nb::arg("device"),
           "Loads what a call needs, and compiles the rest in the background.")
      .def(
          "describe",
          [](const Kernel &self) { return toPython(self.describe()); },
          "JSON: as of a bundle, with the launches that are loaded.")
      .def_prop_ro("notes", &Kernel::notes,
                   "One line for each kernel that the device cannot hold.")
      .def_prop_ro(
          "entry_points",
          [](const Kernel &kernel) {
            auto [handle, launch, lastError] = kernel.entryPoints();
            return nb::make_tuple(handle, launch, lastError);
          },
          nb::sig("def entry_points(self, /) -> tuple[int, int, int]"),
          "Addresses for the C API: the IndexerKernel, which lives as long as "
          "this, and its library's indexerKernelLaunch and indexerLastError.")
      .def("launch",
           nb::overload_cast<const Arguments &, const Arguments &, uintptr_t>(
               &Kernel::launch, nb::const_),
           nb::arg("arguments"), nb::arg("results"), nb::arg("stream"),
           "Launches on a CUstream, without waiting for it.");

  module.def(
      "device_info",
      [](int device) {
        char name[256] = "", chip[32] = "";
        int version = 0;
        check(indexerDeviceInfo(device, name, sizeof(name), chip, sizeof(chip),
                                &version));
        return nb::make_tuple(name, chip, version);
      },
      nb::arg("device"),
      nb::sig("def device_info(device: int) -> tuple[str, str, int]"),
      "Name, chip and driver version of a CUDA device.");

  module.def(
      "synchronize",
      [](int device) {
        IndexerStatus status;
        {
          nb::gil_scoped_release release;
          status = indexerDeviceSynchronize(device);
        }
        check(status);
      },
      nb::arg("device"), "Waits for all work on a CUDA device.");

  module.def(
      "device_count",
      [] {
        int count = 0;
        check(indexerDeviceCount(&count));
        return count;
      },
      "Number of CUDA devices; raises CudaError without a driver.");
}
