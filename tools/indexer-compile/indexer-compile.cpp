//===- indexer-compile.cpp - From MLIR or a shape to a bundle -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a module, or H and E of the head gate's chain. Out: one file that the
// runtime loads without a compiler, with machine code and PTX for each chip.
//
//===----------------------------------------------------------------------===//

#include "GateChain.h"

#include "indexer-c/Compiler.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// What the command line says.
struct Options {
  std::string file, output, entry, ptxas, weights = "dependent";
  int64_t heads = 0, hidden = 0, smBudget = 0;
  bool batchInvariant = false;
  std::vector<std::string> chips = {"sm_90a"};
};

/// A program of the C API, destroyed at the end.
struct ProgramOwner {
  IndexerProgram *program = nullptr;
  ~ProgramOwner() { indexerProgramDestroy(program); }
};

} // namespace

/// Throws the C API's sentence.
static void check(IndexerStatus status) {
  if (status != INDEXER_OK)
    throw std::runtime_error(indexerLastError());
}

/// The text of `file`; "-" is standard input.
static std::string readText(const std::string &file) {
  std::ifstream stream;
  if (file != "-") {
    stream.open(file);
    if (!stream)
      throw std::runtime_error("cannot open '" + file +
                               "': " + std::strerror(errno));
  }
  std::stringstream buffer;
  buffer << (file == "-" ? std::cin.rdbuf() : stream.rdbuf());
  return buffer.str();
}

/// Writes the bytes beside `file` and renames them, so that no reader sees half
/// a bundle; a device or a pipe is written to directly.
static void writeFile(const std::string &file, const void *data, size_t size) {
  struct stat info;
  bool isSpecial = stat(file.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  std::string partial =
      isSpecial ? file : file + ".partial" + std::to_string(getpid());
  auto fail = [&] {
    std::string why = std::strerror(errno);
    if (!isSpecial)
      std::remove(partial.c_str());
    throw std::runtime_error("cannot write '" + file + "': " + why);
  };
  FILE *stream = std::fopen(partial.c_str(), "wbe");
  if (!stream)
    fail();
  bool isWritten = std::fwrite(data, 1, size, stream) == size;
  // Where both fail, the first tells why.
  int firstError = errno;
  bool isClosed = std::fclose(stream) == 0;
  if (!isWritten)
    errno = firstError;
  if (!isWritten || !isClosed)
    fail();
  if (!isSpecial && std::rename(partial.c_str(), file.c_str()) != 0)
    fail();
}

/// "name.idxb" in the current folder for an input "folder/name.mlir".
static std::string defaultOutput(const std::string &file) {
  if (file.empty() || file == "-")
    return "head_gate.idxb";
  std::string name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.rfind('.')) + ".idxb";
}

static nlohmann::json describe(IndexerProgram *program) {
  const char *text = nullptr;
  check(indexerProgramDescribe(program, &text));
  return nlohmann::json::parse(text);
}

/// Why chains of `program` were left alone, for an entry with no kernel.
static std::string missedRemarks(IndexerProgram *program) {
  const char *text = nullptr;
  if (indexerProgramRemarks(program, &text) != INDEXER_OK)
    return "";
  std::string notes;
  for (const auto &remark : nlohmann::json::parse(text)) {
    std::string note = "\n" + remark.at("location").get<std::string>() +
                       ": note: " + remark.at("text").get<std::string>();
    // A chain may be looked at more than once.
    if (remark.at("kind") == "missed" && notes.find(note) == std::string::npos)
      notes += note;
  }
  return notes;
}

/// Compiles and writes the bundle; prints one line.
static void run(const Options &options) {
  bool isShape = options.file.empty();
  std::string name = isShape               ? "<shape>"
                     : options.file == "-" ? "<stdin>"
                                           : options.file;
  std::string text = isShape ? gateChain(options.heads, options.hidden)
                             : readText(options.file);
  IndexerCompileOptions compile{};
  compile.chip = options.chips.front().c_str();
  compile.entry = options.entry.empty() ? nullptr : options.entry.c_str();
  compile.ptxas = options.ptxas.empty() ? nullptr : options.ptxas.c_str();
  compile.weights = options.weights.c_str();
  compile.batch_invariant = options.batchInvariant;
  compile.sm_budget = options.smBudget;
  ProgramOwner owner;
  check(indexerCompile(text.data(), text.size(), name.c_str(), &compile,
                       &owner.program));
  // What is shipped is what the tools of this machine make now.
  check(indexerProgramUseCache(owner.program, 0));
  auto description = describe(owner.program);
  std::string entry = description.at("entry");
  if (description.at("fused") == 0)
    throw std::runtime_error(name + ": error: entry '@" + entry +
                             "' has no fused op; there is nothing to bundle" +
                             missedRemarks(owner.program));

  std::vector<const char *> chips;
  for (const std::string &chip : options.chips)
    chips.push_back(chip.c_str());
  const void *data = nullptr;
  size_t size = 0;
  check(indexerProgramBundleFor(owner.program, chips.data(), chips.size(),
                                &data, &size));
  description = describe(owner.program);
  for (const auto &warning : description.at("warnings"))
    std::fprintf(stderr, "indexer-compile: warning: %s\n",
                 warning.get<std::string>().c_str());
  std::string output =
      options.output.empty() ? defaultOutput(options.file) : options.output;
  writeFile(output, data, size);
  std::string chipList;
  for (const std::string &chip : options.chips)
    chipList += (chipList.empty() ? "" : ", ") + chip;
  std::printf("%s: @%s for %s, %zu bytes\n", output.c_str(), entry.c_str(),
              chipList.c_str(), size);
}

/// What is wrong with an extent of the command line, "" for nothing.
static std::string checkExtent(const std::string &text) {
  bool isNumber = !text.empty() && text.size() <= 9 &&
                  text.find_first_not_of("0123456789") == std::string::npos;
  return isNumber && std::stoll(text) > 0
             ? ""
             : "got \"" + text + "\"; accepted are 1 to 999999999";
}

int main(int argc, char **argv) {
  CLI::App app{
      "Compiles a module, or the head gate for given extents, to a "
      "bundle: one file with machine code and PTX for each chip, which "
      "the runtime launches without a compiler."};
  Options options;
  CLI::Option *file =
      app.add_option("file", options.file, "MLIR text; - reads standard input");
  CLI::Option *heads =
      app.add_option("--heads", options.heads,
                     "H of the head gate to compile instead of a file")
          ->check(checkExtent);
  CLI::Option *hidden =
      app.add_option("--hidden", options.hidden,
                     "E of the head gate to compile instead of a file")
          ->check(checkExtent);
  heads->needs(hidden)->excludes(file);
  hidden->needs(heads)->excludes(file);
  app.add_option("--chips", options.chips,
                 "Chips of the machine code: sm_80, sm_89, sm_90a, sm_100a, "
                 "sm_120a; default sm_90a")
      ->delimiter(',');
  app.add_option("-o,--output", options.output,
                 "File to write; default: the input's name with .idxb, in the "
                 "current folder");
  app.add_option("--weights", options.weights,
                 "static: no kernel in flight writes a weight, and kernels "
                 "start before the end of the one in front; default dependent");
  app.add_flag("--batch-invariant", options.batchInvariant,
               "Give a row of x the same bits whatever T is");
  app.add_option("--sm-budget", options.smBudget,
                 "Multiprocessors to choose kernels for; default: all of the "
                 "chip");
  app.add_option("--entry", options.entry,
                 "Entry function, where there are several");
  app.add_option("--ptxas", options.ptxas,
                 "Path of ptxas; default: looked for");
  try {
    app.parse(argc, argv);
    if (options.file.empty() && heads->empty())
      throw CLI::ValidationError("give a file, or --heads and --hidden");
  } catch (const CLI::ParseError &error) {
    // 1 for every bad input.
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    run(options);
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "indexer-compile: error: %s\n", error.what());
    return 1;
  }
}
