//===- BuildId.cpp - Which build of this compiler it is -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The note is read in memory, where the loader has put it (ELF specification,
// note section; "GNU\0" owns type 3).
//
//===----------------------------------------------------------------------===//

#include "BuildId.h"

#include <cstring>
#include <elf.h>
#include <link.h>

namespace indexer {

namespace {

/// The object that is looked for, and its id.
struct Search {
  /// An address inside it.
  uintptr_t address;
  std::string id;
};

} // namespace

/// Whether one of the object's segments holds `address`.
static bool holds(const dl_phdr_info &object, uintptr_t address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = object.dlpi_phdr[i];
    if (segment.p_type == PT_LOAD &&
        address - (object.dlpi_addr + segment.p_vaddr) < segment.p_memsz)
      return true;
  }
  return false;
}

/// The id in the notes from `note` to `end`; "" if there is none.
static std::string findId(const char *note, const char *end) {
  auto aligned = [](size_t size) { return (size + 3) & ~size_t(3); };
  while (note + sizeof(ElfW(Nhdr)) <= end) {
    ElfW(Nhdr) head;
    std::memcpy(&head, note, sizeof head);
    const char *owner = note + sizeof head;
    const char *value = owner + aligned(head.n_namesz);
    if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
        std::memcmp(owner, "GNU", 4) == 0)
      return std::string(value, head.n_descsz);
    note = value + aligned(head.n_descsz);
  }
  return "";
}

std::string buildId() {
  Search search = {reinterpret_cast<uintptr_t>(&findId), ""};
  dl_iterate_phdr(
      [](dl_phdr_info *object, size_t, void *data) {
        auto &search = *static_cast<Search *>(data);
        if (!holds(*object, search.address))
          return 0;
        for (int i = 0; i < object->dlpi_phnum && search.id.empty(); ++i) {
          const ElfW(Phdr) &segment = object->dlpi_phdr[i];
          const char *begin = reinterpret_cast<const char *>(object->dlpi_addr +
                                                             segment.p_vaddr);
          if (segment.p_type == PT_NOTE)
            search.id = findId(begin, begin + segment.p_memsz);
        }
        return 1;
      },
      &search);
  return search.id;
}

} // namespace indexer
