# Flags and helpers for the targets of this project.

# Compile flags of all our own code; MLIR's headers are SYSTEM.
add_library(indexer_flags INTERFACE)
target_compile_options(indexer_flags INTERFACE
  -Wall -Wextra -Wno-unused-parameter $<$<BOOL:${INDEXER_WERROR}>:-Werror>
  # Not CMake's property: an executable would get -fPIE, and with it no
  # precompiled header of a library.
  -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -ffunction-sections
  -fdata-sections)
target_include_directories(indexer_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)

# The same for code that uses MLIR.
add_library(indexer_mlir_flags INTERFACE)
target_link_libraries(indexer_mlir_flags INTERFACE indexer_flags)
target_include_directories(indexer_mlir_flags SYSTEM INTERFACE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(_llvm_defs UNIX_COMMAND "${LLVM_DEFINITIONS}")
target_compile_options(indexer_mlir_flags INTERFACE ${_llvm_defs})

# MLIR's big headers are parsed once for all targets.
add_library(indexer_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/Precompiled.cpp)
target_link_libraries(indexer_pch PRIVATE indexer_mlir_flags)
target_precompile_headers(indexer_pch PRIVATE
  ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
target_compile_options(indexer_pch PRIVATE -Xclang -fno-pch-timestamp)

# The id tells builds apart in the keys of the cache.
set(INDEXER_LINK_OPTIONS -fuse-ld=lld -Wl,--gc-sections -Wl,--as-needed
    -Wl,--build-id=sha1)

# indexer_add_library(NAME SOURCES a.cpp ... [LINK lib ...] [DEPENDS target ...])
# A static library of one stage that uses MLIR. Its objects (obj.NAME) are also
# what the pass plugin is made of, which must not link MLIR itself.
function(indexer_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(obj.${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(obj.${name} PRIVATE indexer_mlir_flags)
  target_precompile_headers(obj.${name} REUSE_FROM indexer_pch)
  target_compile_options(obj.${name} PRIVATE -Xclang -fno-pch-timestamp)
  add_dependencies(obj.${name} indexer_tablegen ${ARG_DEPENDS})
  add_library(${name} STATIC $<TARGET_OBJECTS:obj.${name}>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# indexer_add_executable(NAME SOURCES a.cpp ... [LINK lib ...])
# A tool that uses MLIR, linked fully static against it.
function(indexer_add_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE indexer_mlir_flags ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM indexer_pch)
  target_compile_options(${name} PRIVATE -Xclang -fno-pch-timestamp)
  target_link_options(${name} PRIVATE ${INDEXER_LINK_OPTIONS})
  add_dependencies(${name} indexer_tablegen)
endfunction()
