//===- indexer.cpp - What a user manages ----------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   indexer cache show|clear|verify
//
//===----------------------------------------------------------------------===//

#include "indexer-c/Compiler.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

using nlohmann::json;

/// Throws the C API's sentence.
static void check(IndexerStatus status) {
  if (status != INDEXER_OK)
    throw std::runtime_error(indexerLastError());
}

static json describeCache() {
  const char *text = nullptr;
  check(indexerCacheDescribe(&text));
  return json::parse(text);
}

/// "2026-03-01 14:05", in local time.
static std::string dateText(std::time_t seconds) {
  char text[32];
  std::tm local;
  localtime_r(&seconds, &local);
  return std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local) ? text : "";
}

/// What an entry is for: "@head_gate for sm_90a, by ptxas 13.0.88".
static std::string contentText(const json &entry) {
  if (entry.at("damaged"))
    return "damaged";
  std::string chips;
  for (const json &chip : entry.at("chips"))
    chips += (chips.empty() ? "" : ", ") + chip.get<std::string>();
  std::string assembler = entry.at("assembler");
  return "@" + entry.at("entry").get<std::string>() + " for " + chips +
         (assembler.empty() ? ", PTX alone" : ", by " + assembler);
}

/// Prints the entries of the cache, or why there is none.
static void show(bool asJson) {
  json cache = describeCache();
  if (asJson) {
    std::printf("%s\n", cache.dump(2).c_str());
    return;
  }
  if (cache.at("folder").is_null()) {
    std::printf("nothing is cached: %s\n",
                cache.at("note").get<std::string>().c_str());
    return;
  }
  uint64_t total = 0;
  for (const json &entry : cache.at("entries"))
    total += entry.at("bytes").get<uint64_t>();
  std::printf("%s: %zu entries, %.1f MiB\n",
              cache.at("folder").get<std::string>().c_str(),
              cache.at("entries").size(), total / 1048576.0);
  if (cache.at("note").is_string())
    std::printf("warning: %s\n", cache.at("note").get<std::string>().c_str());
  for (const json &entry : cache.at("entries"))
    std::printf("  %s %9llu bytes  %s\n",
                dateText(entry.at("last_use").get<std::time_t>()).c_str(),
                static_cast<unsigned long long>(entry.at("bytes")),
                contentText(entry).c_str());
}

/// Names the damaged entries; the number of them.
static int verify() {
  json cache = describeCache();
  if (cache.at("note").is_string())
    throw std::runtime_error(cache.at("note").get<std::string>());
  int damaged = 0;
  for (const json &entry : cache.at("entries"))
    if (entry.at("damaged")) {
      ++damaged;
      std::printf("damaged: %s\n", entry.at("file").get<std::string>().c_str());
    }
  std::printf("%zu entries, %d damaged\n", cache.at("entries").size(), damaged);
  return damaged;
}

static void clear() {
  size_t removed = 0;
  check(indexerCacheClear(&removed));
  std::printf("removed %zu files\n", removed);
}

int main(int argc, char **argv) {
  CLI::App app{"Manages what the indexer compiler keeps for its user."};
  app.require_subcommand(1);
  CLI::App *cache = app.add_subcommand(
      "cache", "The bundles that were compiled at run time and are kept in "
               "INDEXER_CACHE_DIR, else XDG_CACHE_HOME/indexer, else "
               "~/.cache/indexer");
  cache->require_subcommand(1);
  bool asJson = false;
  CLI::App *showCommand = cache->add_subcommand("show", "List the entries");
  showCommand->add_flag("--json", asJson, "Print JSON instead of a list");
  CLI::App *clearCommand = cache->add_subcommand("clear", "Remove all entries");
  CLI::App *verifyCommand = cache->add_subcommand(
      "verify", "Check the hash of every entry; exit code 1 when one is "
                "damaged. A damaged entry is compiled again when it is needed");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // 1 for every bad input.
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    if (*showCommand)
      show(asJson);
    if (*clearCommand)
      clear();
    return *verifyCommand && verify() > 0 ? 1 : 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "indexer: error: %s\n", error.what());
    return 1;
  }
}
