//===- indexer-run.cpp - Compile, run, compare, time ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <unistd.h>

using nlohmann::json;

/// Parses "x=2x3x7168" into name and extents.
static std::pair<std::string, std::vector<int64_t>>
parseShape(const std::string &text) {
  size_t equals = text.find('=');
  std::vector<int64_t> extents;
  std::stringstream stream(
      equals == std::string::npos ? "" : text.substr(equals + 1));
  for (std::string extent; std::getline(stream, extent, 'x');) {
    size_t end = 0;
    try {
      extents.push_back(std::stoll(extent, &end));
    } catch (const std::exception &) {
    }
    if (end != extent.size())
      extents.assign(1, -1);
    if (extents.back() < 0)
      break;
  }
  if (extents.empty() || extents.back() < 0)
    throw std::runtime_error("option '--shape' got \"" + text +
                             "\"; accepted is NAME=EXTENTxEXTENT..., such as "
                             "x=2x3x7168");
  return {text.substr(0, equals), extents};
}

/// Table of the compiled kernels.
static void printKernels(const json &bundle) {
  if (bundle.contains("error")) {
    std::printf("no GPU kernels: %s\n",
                bundle["error"].get<std::string>().c_str());
    return;
  }
  std::printf("%-28s %-14s %12s %10s %8s\n", "kernel", "family", "tokens",
              "registers", "spills");
  for (const json &fused : bundle.at("kernels"))
    for (const json &launch : fused.at("launches")) {
      int64_t first = launch.at("min_tokens"), last = launch.at("max_tokens");
      std::string tokens =
          std::to_string(first) +
          (last == INT64_MAX ? "..." : ".." + std::to_string(last));
      const json &resources = launch.at("resources");
      std::printf("%-28s %-14s %12s %10d %8d\n",
                  launch.at("kernel").get<std::string>().c_str(),
                  launch.at("family").get<std::string>().c_str(),
                  tokens.c_str(), resources.at("registers").get<int>(),
                  resources.at("spill_bytes").get<int>());
    }
  for (const json &object : bundle.at("objects"))
    std::printf("%s for %s: %lld bytes%s%s\n",
                object.at("format").get<std::string>().c_str(),
                object.at("chip").get<std::string>().c_str(),
                object.at("size").get<long long>(),
                object.at("assembler").get<std::string>().empty() ? "" : ", ",
                object.at("assembler").get<std::string>().c_str());
}

/// Where the time went before the first call, and what made the code.
static void printStages(Session &session) {
  session.finish(); // Its time is one of them.
  json description = session.description();
  for (const std::string stage : description.at("stages"))
    std::printf("%-24s %10.2f ms\n", stage.c_str(),
                description.at("milliseconds").at(stage).get<double>());
  if (session.isGpu())
    std::printf("%-24s %10.2f ms\n%-24s %10.2f ms\n", "CUDA's context",
                session.contextTime(), "from there to loaded",
                session.readyTime());
  if (description.at("cache").is_string())
    std::printf("cache: %s\n",
                description.at("cache").get<std::string>().c_str());
  if (!session.isGpu())
    return;
  std::set<std::string> assemblers;
  json bundle = session.bundleDescription();
  for (const json &object : bundle.at("objects"))
    if (object.at("format") == "cubin")
      assemblers.insert(object.at("assembler").get<std::string>());
  for (const std::string &assembler : assemblers)
    std::printf("assembler: %s\n", assembler.c_str());
  if (assemblers.empty())
    std::printf("assembler: none, the driver compiles PTX\n");
}

/// Prints the warnings of the compiler that are not in `printed` yet.
static void printWarnings(const Session &session,
                          std::set<std::string> &printed) {
  json description = session.description();
  for (const std::string warning : description.at("warnings"))
    if (printed.insert(warning).second)
      std::fprintf(stderr, "indexer-run: warning: %s\n", warning.c_str());
}

/// The text of `file`; "-" is standard input.
static std::string readText(const std::string &file) {
  std::ifstream stream;
  if (file != "-") {
    stream.open(file);
    if (!stream)
      throw std::runtime_error("cannot open '" + file + "'");
  }
  std::stringstream buffer;
  buffer << (file == "-" ? std::cin.rdbuf() : stream.rdbuf());
  return buffer.str();
}

int main(int argc, char **argv) {
  CLI::App app{"Compiles a module, runs its entry function on random data, "
               "compares with a float64 interpretation of the input, and times "
               "it."};
  std::string file, entry, device = "auto", chip, ptxas, reference;
  std::vector<int64_t> tokens = {1, 16, 129};
  std::vector<std::string> shapeTexts;
  uint64_t seed = 0;
  int repeat = 0;
  bool asJson = false, showKernels = false, isVerbose = false, noCache = false,
       noReference = false;
  app.add_option("file", file, "MLIR text, or a bundle; - reads standard input")
      ->required();
  app.add_option("--tokens", tokens, "Token counts T for dynamic extents")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  app.add_option("--shape", shapeTexts,
                 "Shape of one argument, such as x=2x3x7168");
  app.add_option("--entry", entry, "Entry function, where there are several");
  app.add_option("--device", device, "auto, cpu, cuda or cuda:N")
      ->check([](const std::string &text) {
        bool known =
            text == "auto" || text == "cpu" || text == "cuda" ||
            (text.rfind("cuda:", 0) == 0 && text.size() > 5 &&
             text.find_first_not_of("0123456789", 5) == std::string::npos &&
             text.size() < 9);
        return known ? std::string()
                     : "got \"" + text +
                           "\"; accepted are auto, cpu, cuda and "
                           "cuda:N";
      });
  app.add_option("--chip", chip, "Chip of the GPU code; default: the GPU's");
  app.add_option("--ptxas", ptxas, "Path of ptxas; default: looked for");
  app.add_option("--reference", reference,
                 "MLIR text that the float64 reference interprets; default: "
                 "the file itself");
  app.add_flag("--no-reference", noReference,
               "Compare with nothing: for large T, which takes the reference "
               "long")
      ->excludes("--reference");
  app.add_option("--seed", seed, "Seed of the random data");
  app.add_option("--repeat", repeat,
                 "Calls that are timed; default 20 on the CPU, 200 on a GPU")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", asJson, "Print one JSON object instead of a table");
  app.add_flag("--kernels", showKernels,
               "Also list the GPU kernels with their resource figures");
  app.add_flag(
      "--verbose", isVerbose,
      "Also tell where the time goes: the stages of the compiler, the "
      "assembler, the cache, loading, the first launch, and the kernel "
      "that each T takes");
  app.add_flag("--no-cache", noCache,
               "Compile, whatever is in the cache, and keep nothing there");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // 1 for every bad input.
    return app.exit(error) == 0 ? 0 : 1;
  }

  try {
    std::map<std::string, std::vector<int64_t>> shapes;
    for (const std::string &shape : shapeTexts)
      shapes.insert(parseShape(shape));

    IndexerCompileOptions options{};
    options.chip = chip.empty() ? nullptr : chip.c_str();
    options.entry = entry.empty() ? nullptr : entry.c_str();
    options.ptxas = ptxas.empty() ? nullptr : ptxas.c_str();
    std::string name = file == "-" ? "<stdin>" : file;
    Session session(readText(file), name, options, !noCache, device,
                    reference.empty() ? "" : readText(reference), reference);
    json description = session.description();
    for (const auto &[name, extents] : shapes) {
      bool known = false;
      for (const json &argument : description.at("arguments"))
        known |= argument.at("name") == name && argument.contains("shape") &&
                 argument.at("shape").size() == extents.size();
      if (!known)
        throw std::runtime_error("option '--shape': the entry has no tensor '" +
                                 name + "' of rank " +
                                 std::to_string(extents.size()));
    }

    if (noReference)
      session.dropReference();
    std::mt19937_64 random(seed);
    std::vector<HostValue> inputs =
        randomInputs(description, tokens.front(), shapes, random);
    session.load(inputs);
    if (repeat == 0)
      repeat = session.isGpu() ? 200 : 20;

    if (!asJson) {
      std::printf("%s: @%s on %s, %u fused op%s\n", name.c_str(),
                  description.at("entry").get<std::string>().c_str(),
                  session.deviceName().c_str(),
                  description.at("fused").get<unsigned>(),
                  description.at("fused") == 1 ? "" : "s");
      if (!session.deviceNote().empty())
        std::printf("note: not on a GPU: %s\n", session.deviceNote().c_str());
      std::istringstream notes(session.kernelNotes());
      for (std::string line; std::getline(notes, line);)
        std::printf("note: %s\n", line.c_str());
      if (!session.hasReference() && !noReference)
        std::printf("note: a bundle has no IR to compare with; --reference "
                    "FILE.mlir gives it\n");
    }
    json bundle = showKernels ? session.bundleDescription() : json();
    if (showKernels && !asJson)
      printKernels(bundle);
    std::set<std::string> printed;
    printWarnings(session, printed);
    if (isVerbose && !asJson)
      printStages(session);
    if (!asJson)
      std::printf("%8s %12s %12s %12s  %s\n", "T", "time, us", "max error",
                  "error/bound", "float64");

    json rows = json::array();
    bool agrees = true;
    for (int64_t count : tokens) {
      bool progress = !asJson && isatty(STDERR_FILENO);
      if (progress)
        std::fprintf(stderr, "T = %lld ...\r", static_cast<long long>(count));
      if (!rows.empty())
        inputs = randomInputs(description, count, shapes, random);
      Outcome outcome = session.run(inputs, count, repeat);
      agrees &= outcome.mismatches == 0;
      rows.push_back({{"tokens", count},
                      {"microseconds", outcome.microseconds},
                      {"elements", outcome.elements},
                      {"mismatches", outcome.mismatches},
                      {"max_error", outcome.maxError},
                      {"max_error_over_bound", outcome.maxErrorOverBound}});
      if (session.isGpu()) {
        rows.back()["kernels"] = outcome.kernels;
        rows.back()["first_launch_milliseconds"] =
            outcome.firstLaunchMilliseconds;
      }
      if (asJson)
        continue;
      std::printf("%8lld %12.2f %12.2e %12.1e  %s\n",
                  static_cast<long long>(count), outcome.microseconds,
                  outcome.maxError, outcome.maxErrorOverBound,
                  !session.hasReference() ? "not compared"
                  : outcome.mismatches == 0
                      ? "agrees"
                      : (std::to_string(outcome.mismatches) + " of " +
                         std::to_string(outcome.elements) + " DIFFER")
                            .c_str());
      if (isVerbose && session.isGpu())
        std::printf("%8s by %s; first launch %.3f ms\n", "",
                    outcome.kernels.empty() ? "no kernel"
                                            : outcome.kernels.c_str(),
                    outcome.firstLaunchMilliseconds);
    }
    session.finish();
    printWarnings(session, printed);
    if (asJson) {
      json made = session.description();
      json report = {{"file", file},
                     {"entry", description.at("entry")},
                     {"device", session.deviceName()},
                     {"note", session.deviceNote()},
                     {"kernel_notes", session.kernelNotes()},
                     {"fused", description.at("fused")},
                     {"compared", session.hasReference()},
                     {"agrees", agrees},
                     {"milliseconds", made.at("milliseconds")},
                     {"cache", made.at("cache")},
                     {"context_milliseconds", session.contextTime()},
                     {"ready_milliseconds", session.readyTime()},
                     {"runs", rows}};
      if (showKernels)
        report["bundle"] = bundle;
      std::printf("%s\n", report.dump(2).c_str());
    }
    return agrees ? 0 : 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "indexer-run: error: %s\n", error.what());
    return 1;
  }
}
