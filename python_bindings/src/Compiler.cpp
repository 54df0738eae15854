//===- Compiler.cpp - The compiler's library, opened at run time ----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compiler.h"

#include "Errors.h"

#include <cstring>
#include <dlfcn.h>
#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace indexer::python;

/// Raises CompileError.
[[noreturn]] static void rejectLibrary(const std::string &message) {
  nb::object error = nb::module_::import_("dsa_indexer._errors")
                         .attr("CompileError")(toPython(message));
  PyErr_SetObject(error.type().ptr(), error.ptr());
  throw nb::python_error();
}

static Compiler open(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    rejectLibrary("the compiler's library cannot be opened: " +
                  std::string(dlerror()));
  Compiler compiler;
#define DSA_INDEXER_COMPILER_FIND(name)                                        \
  compiler.name =                                                              \
      reinterpret_cast<decltype(compiler.name)>(dlsym(library, #name));        \
  if (!compiler.name)                                                          \
    rejectLibrary("'" + path +                                                 \
                  "' is of another version: it has no function '" #name "'");
  DSA_INDEXER_COMPILER_FUNCTIONS(DSA_INDEXER_COMPILER_FIND)
#undef DSA_INDEXER_COMPILER_FIND
  if (std::strcmp(compiler.indexerApiHash(), INDEXER_API_HASH) != 0)
    rejectLibrary("'" + path + "' is of another build than this extension: " +
                  "its C API is " + compiler.indexerApiHash() +
                  ", expected " INDEXER_API_HASH
                  "; install dsa-indexer and dsa-indexer-compiler together");
  return compiler;
}

const Compiler &Compiler::get() {
  static Compiler compiler;
  // The GIL makes this safe; after a failure the next call tries again.
  if (!compiler.indexerCompile)
    compiler = open(nb::cast<std::string>(
        nb::module_::import_("dsa_indexer._library").attr("find_compiler")()));
  return compiler;
}
