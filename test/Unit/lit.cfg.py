"""lit configuration of the GoogleTest executables."""

import lit.formats

config.name = "indexer-unit"
config.suffixes = []
config.test_format = lit.formats.GoogleTest(".", "-tests")
config.test_source_root = config.indexer_bin_dir
config.test_exec_root = config.indexer_bin_dir
# Nothing is written to the cache of whoever runs the tests.
config.environment["INDEXER_CACHE_DIR"] = "off"
