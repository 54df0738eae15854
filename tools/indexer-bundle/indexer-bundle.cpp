//===- indexer-bundle.cpp - Look into a bundle ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Needs the runtime alone: neither LLVM nor a GPU.
//
//===----------------------------------------------------------------------===//

#include "Disassemble.h"
#include "ListBundle.h"

#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/SelectCode.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

using namespace indexer::runtime;

namespace {
/// What the command line says.
struct Options {
  std::string file, chip, nvdisasm;
  bool showPtx = false, showSass = false, asJson = false;
};
} // namespace

/// The bytes of `file`.
static std::string readFile(const std::string &file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream bytes;
  if (stream)
    bytes << stream.rdbuf();
  if (!stream)
    throw std::runtime_error("cannot read '" + file +
                             "': " + std::strerror(errno));
  return bytes.str();
}

/// Code objects of `format` for the chosen chip, at least one.
static std::vector<const CodeObject *> chooseObjects(const Bundle &bundle,
                                                     const Options &options,
                                                     const char *format) {
  std::vector<const CodeObject *> chosen;
  for (const CodeObject &object : bundle.objects)
    if (object.format == format &&
        (options.chip.empty() || object.chip == options.chip))
      chosen.push_back(&object);
  if (chosen.empty())
    throw std::runtime_error(
        "'" + options.file + "' has no " + format +
        (options.chip.empty() ? "" : " for " + options.chip) +
        "; it has code for " + chipsText(bundle));
  return chosen;
}

static void show(const Options &options) {
  std::string bytes = readFile(options.file);
  Bundle bundle;
  std::string error;
  if (!deserialize(bytes.data(), bytes.size(), bundle, error))
    throw std::runtime_error("'" + options.file + "': " + error);
  if (options.asJson) {
    std::printf("%s\n", headerText(bundle, /*indent=*/2).c_str());
    return;
  }
  if (options.showPtx || options.showSass) {
    if (options.showPtx)
      for (const CodeObject *object : chooseObjects(bundle, options, "ptx"))
        std::printf("// PTX for %s\n%s\n", object->chip.c_str(),
                    object->bytes.c_str());
    if (options.showSass) {
      std::string nvdisasm = findNvdisasm(options.nvdisasm);
      for (const CodeObject *object : chooseObjects(bundle, options, "cubin")) {
        std::printf("// SASS for %s, made by %s\n", object->chip.c_str(),
                    object->assembler.c_str());
        disassemble(nvdisasm, object->bytes);
      }
    }
    return;
  }
  std::printf("%s: @%s, format version %u, %zu bytes\n\n", options.file.c_str(),
              bundle.entry.c_str(), kBundleVersion, bytes.size());
  listBundle(bundle);
}

int main(int argc, char **argv) {
  CLI::App app{"Looks into bundles, the files that indexer-compile writes."};
  app.require_subcommand(1);
  Options options;
  CLI::App *command = app.add_subcommand(
      "show", "List arguments, kernels with their figures, and code objects");
  command->add_option("file", options.file, "The bundle")->required();
  CLI::Option *ptx = command->add_flag("--ptx", options.showPtx,
                                       "Print the PTX instead of the list");
  CLI::Option *sass =
      command->add_flag("--sass", options.showSass,
                        "Print the machine code instead of the list, by "
                        "NVIDIA's nvdisasm");
  command
      ->add_flag("--json", options.asJson,
                 "Print the bundle's JSON header instead of the list")
      ->excludes(ptx)
      ->excludes(sass);
  command->add_option("--chip", options.chip,
                      "Print PTX or machine code of this chip only");
  command->add_option("--nvdisasm", options.nvdisasm,
                      "Path of nvdisasm; default: looked for");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // 1 for every bad input.
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    show(options);
    return 0;
  } catch (const std::exception &error) {
    std::fflush(stdout);
    std::fprintf(stderr, "indexer-bundle: error: %s\n", error.what());
    return 1;
  }
}
