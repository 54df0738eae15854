"""lit configuration: tools, substitutions and the features of this machine."""

import ctypes
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
# Nothing is taken from or written to the cache of whoever runs the tests.
config.environment["INDEXER_CACHE_DIR"] = "off"
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
# "ptxas": cubins can be made; "ptxas-program", "nvptxcompiler", "nvjitlink": by
# what.
if any(path and os.access(path, os.X_OK) for path in ptxas):
    config.available_features.update(["ptxas", "ptxas-program"])
if config.indexer_nvptxcompiler:
    config.available_features.update(["ptxas", "nvptxcompiler"])



def find_nvjitlink():
    """Whether the compiler finds nvJitLink, which comes before the program."""
    given = os.environ.get("INDEXER_NVJITLINK", "")
    # As the compiler looks for it, but for toolkits in other places.
    names = [given] if given else ["libnvJitLink.so.13", "libnvJitLink.so.12"]
    names += [] if given else [f"/usr/local/cuda/lib64/{name}" for name in names]
    for name in names:
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            continue
    return False


if "INDEXER_NVJITLINK" in os.environ:
    config.environment["INDEXER_NVJITLINK"] = os.environ["INDEXER_NVJITLINK"]
if find_nvjitlink():
    config.available_features.add("ptxas")
    if not config.indexer_nvptxcompiler:
        config.available_features.add("nvjitlink")

# A C compiler, as a user of the runtime has it; a witness of system calls.
if shutil.which("cc"):
    config.available_features.add("cc")
if shutil.which("strace"):
    config.available_features.add("strace")

# Lint needs the list of tracked files.
if os.path.exists(os.path.join(config.indexer_source_dir, ".git")):
    config.available_features.add("git")
