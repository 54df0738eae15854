//===- NullBundle.cpp - The same bundle with empty kernels ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NullBundle.h"

#include "indexer/Runtime/SelectCode.h"

#include <algorithm>
#include <set>

using namespace indexer::runtime;

Bundle makeNullBundle(Bundle bundle, int major, int minor) {
  std::vector<const CodeObject *> code = selectCode(bundle, major, minor);
  std::string chip = code.empty() ? "" : code.front()->chip;
  // Clusters come with 9.0, and with PTX 7.8.
  std::string ptx = ".version 7.8\n.target sm_" +
                    std::to_string(std::min(10 * major + minor, 90)) +
                    "\n.address_size 64\n";
  std::set<std::string> written;
  for (FusedKernel &kernel : bundle.kernels) {
    auto &launches = kernel.launches;
    launches.erase(std::remove_if(launches.begin(), launches.end(),
                                  [&](const KernelLaunch &launch) {
                                    return !launch.chip.empty() &&
                                           launch.chip != chip;
                                  }),
                   launches.end());
    for (KernelLaunch &launch : launches) {
      launch.chip.clear();
      if (!written.insert(launch.kernel).second)
        continue;
      ptx += ".visible .entry " + launch.kernel + "(";
      for (size_t i = 0; i < launch.parameters.size(); ++i) {
        bool isMap =
            launch.parameters[i].kind == KernelParameter::Kind::TensorMap;
        ptx += std::string(i ? ", " : "") +
               (isMap ? ".param .align 64 .b8 p" : ".param .u64 p") +
               std::to_string(i) + (isMap ? "[128]" : "");
      }
      ptx += ")\n{\n  ret;\n}\n";
    }
  }
  std::string target = "sm_" + std::to_string(std::min(10 * major + minor, 90));
  bundle.objects = {{target, "ptx", ptx, ""}};
  return bundle;
}
