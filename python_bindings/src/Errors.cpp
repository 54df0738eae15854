//===- Errors.cpp - Statuses as Python exceptions ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The exception classes, and which status is which, are Python code
// (dsa_indexer/_errors.py). It is imported when the first error is raised.
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

namespace nb = nanobind;

nb::str indexer::python::toPython(const std::string &text) {
  PyObject *decoded = PyUnicode_DecodeUTF8(
      text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (!decoded)
    throw nb::python_error();
  return nb::steal<nb::str>(decoded);
}

void indexer::python::raise(PyObject *type, const std::string &message) {
  PyErr_SetObject(type, toPython(message).ptr());
  throw nb::python_error();
}

void indexer::python::check(IndexerStatus status, const std::string &entry,
                            const char *(*lastError)()) {
  if (status == INDEXER_OK)
    return;
  // Copied first: Python code may make calls of its own.
  std::string message = lastError();
  nb::object error =
      nb::module_::import_("dsa_indexer._errors")
          .attr("from_status")(static_cast<int>(status), toPython(message),
                               toPython(entry));
  PyErr_SetObject(error.type().ptr(), error.ptr());
  throw nb::python_error();
}
