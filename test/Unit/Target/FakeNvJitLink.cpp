//===- FakeNvJitLink.cpp - A library that only looks like nvJitLink -------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FAKE_VERSION is 10 * major + minor. The "cubin" is the options and the PTX;
// PTX with the word "bogus" is refused.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cstring>
#include <string>

#define FAKE extern "C" __attribute__((visibility("default"))) int

namespace {
struct Link {
  std::string options, ptx;
  std::string info = "ptxas info    : Compiling entry function 'k' for "
                     "'sm_90a'\n"
                     "ptxas info    : Function properties for k\n"
                     "ptxas         .     0 bytes stack frame, 8 bytes spill "
                     "stores, 4 bytes spill loads\n"
                     "ptxas info    : Used 40 registers, 128 bytes smem\n"
                     "info    : used 40 registers, 1152 bytes smem\n";
  std::string errors = "ptxas application ptx input, line 4; error : bogus\n";
};
} // namespace

FAKE nvJitLinkVersion(unsigned *major, unsigned *minor) {
  *major = FAKE_VERSION / 10;
  *minor = FAKE_VERSION % 10;
  return 0;
}
FAKE nvJitLinkCreate(Link **link, uint32_t count, const char **options) {
  *link = new Link();
  for (uint32_t i = 0; i < count; ++i)
    (*link)->options += std::string(options[i]) + " ";
  return 0;
}
FAKE nvJitLinkDestroy(Link **link) {
  delete *link;
  return 0;
}
FAKE nvJitLinkAddData(Link *link, int type, const void *data, size_t size,
                      const char *) {
  if (type != 2)
    return 3;
  link->ptx.assign(static_cast<const char *>(data), size);
  return link->ptx.find("bogus") == std::string::npos ? 0 : 4;
}
FAKE nvJitLinkComplete(Link *) { return 0; }
FAKE nvJitLinkGetLinkedCubinSize(Link *link, size_t *size) {
  *size = link->options.size() + link->ptx.size();
  return 0;
}
FAKE nvJitLinkGetLinkedCubin(Link *link, void *cubin) {
  std::string bytes = link->options + link->ptx;
  std::memcpy(cubin, bytes.data(), bytes.size());
  return 0;
}
FAKE nvJitLinkGetErrorLogSize(Link *link, size_t *size) {
  *size = link->errors.size() + 1;
  return 0;
}
FAKE nvJitLinkGetErrorLog(Link *link, char *log) {
  std::strcpy(log, link->errors.c_str());
  return 0;
}
FAKE nvJitLinkGetInfoLogSize(Link *link, size_t *size) {
  *size = link->info.size() + 1;
  return 0;
}
FAKE nvJitLinkGetInfoLog(Link *link, char *log) {
  std::strcpy(log, link->info.c_str());
  return 0;
}
