//===- NvJitLink.h - The PTX assembler of a shared library ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's nvJitLink assembles PTX without a process and without files. It is
// part of the CUDA toolkit and of PyTorch's installation, and is opened at run
// time: neither its header nor the library is needed to build.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_NVJITLINK_H
#define INDEXER_TARGET_NVJITLINK_H

#include "indexer/Target/Assembler.h"

namespace indexer {

/// The lowest version of a CUDA toolkit whose assembler reads PTX of version
/// `ptxVersion` (86 is 8.6), as 10 * major + minor (PTX ISA, release notes).
unsigned lowestToolkit(unsigned ptxVersion);

/// The library, opened.
class NvJitLink : public Assembler {
public:
  /// Finds a library that reads PTX of version `ptxVersion`. Looked at: the
  /// path in $INDEXER_NVJITLINK if that is set ("off": nowhere); else where the
  /// loader finds libnvJitLink.so.13 or .12, which is the one that is loaded
  /// already if there is one; else the toolkits (toolkitRoots). It stays
  /// loaded. Null if there is none; `lookedAt` gets what was tried.
  static std::unique_ptr<Assembler>
  find(unsigned ptxVersion, llvm::SmallVectorImpl<std::string> &lookedAt);

  std::string version() const override;
  std::string file() const override { return path; }
  AssemblerResult assemble(llvm::StringRef ptx, llvm::StringRef chip,
                           llvm::StringRef name) const override;

  /// Functions of the library, by their names in nvJitLink.h without the
  /// prefix.
  struct Functions {
    using Handle = struct nvJitLink *;
    int (*Version)(unsigned *major, unsigned *minor);
    int (*Create)(Handle *, uint32_t numOptions, const char **options);
    int (*Destroy)(Handle *);
    int (*AddData)(Handle, int type, const void *data, size_t size,
                   const char *name);
    int (*Complete)(Handle);
    int (*GetLinkedCubinSize)(Handle, size_t *size);
    int (*GetLinkedCubin)(Handle, void *cubin);
    int (*GetErrorLogSize)(Handle, size_t *size);
    int (*GetErrorLog)(Handle, char *log);
    int (*GetInfoLogSize)(Handle, size_t *size);
    int (*GetInfoLog)(Handle, char *log);
  };

  NvJitLink(Functions functions, std::string path, unsigned major,
            unsigned minor)
      : functions(functions), path(std::move(path)), major(major),
        minor(minor) {}

private:
  Functions functions;
  std::string path;
  unsigned major, minor;
};

} // namespace indexer

#endif // INDEXER_TARGET_NVJITLINK_H
