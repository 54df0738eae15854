//===- Disassemble.cpp - SASS of a cubin through nvdisasm -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// nvdisasm reads files only, so the cubin goes through a temporary one.
//
//===----------------------------------------------------------------------===//

#include "Disassemble.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char **environ;

std::string findNvdisasm(const std::string &given) {
  std::vector<std::string> candidates;
  if (!given.empty()) {
    candidates.push_back(given);
  } else {
    const char *path = std::getenv("PATH");
    std::stringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
      if (!folder.empty())
        candidates.push_back(folder + "/nvdisasm");
    if (const char *home = std::getenv("CUDA_HOME"))
      candidates.push_back(std::string(home) + "/bin/nvdisasm");
    candidates.push_back("/usr/local/cuda/bin/nvdisasm");
  }
  for (const std::string &candidate : candidates)
    if (access(candidate.c_str(), X_OK) == 0)
      return candidate;
  throw std::runtime_error(
      given.empty()
          ? "no nvdisasm found: looked at PATH, CUDA_HOME and /usr/local/cuda; "
            "install a CUDA toolkit or PyPI's nvidia-cuda-nvdisasm, or pass "
            "--nvdisasm PATH"
          : "'" + given + "' cannot be executed: " + std::strerror(errno));
}

namespace {
/// A temporary file, removed at the end.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string &bytes) {
    const char *folder = std::getenv("TMPDIR");
    path = std::string(folder && *folder ? folder : "/tmp") +
           "/indexer-bundle-XXXXXX";
    int descriptor = mkstemp(path.data());
    FILE *file = descriptor < 0 ? nullptr : fdopen(descriptor, "wb");
    bool isWritten = file && std::fwrite(bytes.data(), 1, bytes.size(), file) ==
                                 bytes.size();
    if (file && std::fclose(file) != 0)
      isWritten = false;
    if (isWritten)
      return;
    std::string why = std::strerror(errno);
    if (descriptor >= 0)
      std::remove(path.c_str());
    throw std::runtime_error("cannot write '" + path + "': " + why);
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
};
} // namespace

void disassemble(const std::string &nvdisasm, const std::string &cubin) {
  TemporaryFile file(cubin);
  std::fflush(stdout);
  std::string words[] = {nvdisasm, "-c", file.path};
  char *arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                       nullptr};
  pid_t child;
  int error = posix_spawn(&child, nvdisasm.c_str(), nullptr, nullptr, arguments,
                          environ);
  if (error)
    throw std::runtime_error("'" + nvdisasm +
                             "' cannot be run: " + std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  // The reader of the listing has seen enough.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
    return;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(
        "'" + nvdisasm + "' " +
        (WIFEXITED(status)
             ? "exited with status " + std::to_string(WEXITSTATUS(status))
             : "was ended by signal " + std::to_string(WTERMSIG(status))));
}
