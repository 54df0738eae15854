"""lit configuration: tools, substitutions and the features of this machine."""

import os
import shutil

import lit.formats

config.name = "indexer"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Unit", "Fuzz"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.indexer_binary_dir, "test")

# The plain names of the tools work: LLVM's and ours are first in PATH.
config.environment["PATH"] = os.pathsep.join(
    [config.indexer_bin_dir, config.llvm_tools_dir, os.environ["PATH"]]
)
config.environment["FILECHECK_OPTS"] = (
    "-enable-var-scope --allow-unused-prefixes=false"
)
config.substitutions += [
    ("%examples", os.path.join(config.indexer_source_dir, "examples")),
    ("%plugin", os.path.join(config.indexer_lib_dir, "IndexerPlugin.so")),
    ("%llvm_lib_dir", os.path.join(config.llvm_tools_dir, "..", "lib")),
    ("%indexer_lib_dir", config.indexer_lib_dir),
    ("%source_dir", config.indexer_source_dir),
    ("%binary_dir", config.indexer_binary_dir),
]

ptxas = [
    shutil.which("ptxas"),
    "/usr/local/cuda/bin/ptxas",
    config.indexer_ptxas,
]
# "ptxas": cubins can be made; "ptxas-program", "nvptxcompiler": by what.
if any(path and os.access(path, os.X_OK) for path in ptxas):
    config.available_features.update(["ptxas", "ptxas-program"])
if config.indexer_nvptxcompiler:
    config.available_features.update(["ptxas", "nvptxcompiler"])

# A C compiler, as a user of the runtime has it; a witness of system calls.
if shutil.which("cc"):
    config.available_features.add("cc")
if shutil.which("strace"):
    config.available_features.add("strace")

# Lint needs the list of tracked files.
if os.path.exists(os.path.join(config.indexer_source_dir, ".git")):
    config.available_features.add("git")
